# Completion of jailed for fish: jailed says what may come next. `jailed completion fish` prints this.
function __jailed_complete
    set -l words (commandline -opc)
    for line in (command jailed complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
        switch $line
            case :directories
                __fish_complete_directories (commandline -ct) ''
            case :files
                __fish_complete_path (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete -c jailed -f -a '(__jailed_complete)'
