# Completion of jailed for bash: jailed says what may come next. `jailed completion bash` prints this.
# The one on PATH is asked, never a ./jailed that a project brings: a tab runs nothing of a project.
# shellcheck shell=bash
_jailed() {
  local line word=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :directories)
        compopt -o filenames
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$word")
        ;;
      :files)
        compopt -o filenames
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$word")
        ;;
      *)
        line=${line%%$'\t'*}
        if [[ $line == "$word"* ]]; then COMPREPLY+=("$line"); fi
        ;;
    esac
  done < <(command jailed complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _jailed jailed
