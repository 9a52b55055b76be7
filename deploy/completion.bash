# Completes starling in bash: subcommands, flags, and the options of --set.

_starling() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]}
    COMPREPLY=()

    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "serve pub sub bench check-config --help --version" -- "$word")
        return
    fi
    if [[ $command == bench ]] && ((COMP_CWORD == 2)); then
        mapfile -t COMPREPLY < <(compgen -W "conn pub sub p2p fanout fanin mixed --help" -- "$word")
        return
    fi
    case $before in
        --config | -f | --file | --profile | --cafile | --cert | --key | --ticket-file) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        --data-dir | --capath) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
        --log-level) mapfile -t COMPREPLY < <(compgen -W "debug info warning error" -- "$word") ;;
        --log-format) mapfile -t COMPREPLY < <(compgen -W "text json" -- "$word") ;;
        --page) mapfile -t COMPREPLY < <(compgen -W "configuration limits" -- "$word") ;;
        --set)
            mapfile -t COMPREPLY < <(compgen -S = -W \
                "$("$1" check-config 2>/dev/null | sed -n 's/^\([a-z].*\) = .*/\1/p')" -- "$word")
            compopt -o nospace
            ;;
        *)
            mapfile -t COMPREPLY < <(compgen -W \
                "$("$1" "$command" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]+')" -- "$word")
            ;;
    esac
}
complete -F _starling starling
