#compdef jailed
# Completion of jailed for zsh: jailed says what may come next. `jailed completion zsh` prints this.
_jailed() {
  local line
  local -a candidates
  local paths=
  for line in ${(f)"$(command jailed complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
    case $line in
      :*) paths=$line ;;
      *$'\t'*) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
      *) candidates+=("${line//:/\\:}") ;;
    esac
  done
  (( ${#candidates} )) && _describe -t jailed jailed candidates
  case $paths in
    :directories) _files -/ ;;
    :files) _files ;;
  esac
}
if [[ $funcstack[1] == _jailed ]]; then _jailed "$@"; else compdef _jailed jailed; fi
