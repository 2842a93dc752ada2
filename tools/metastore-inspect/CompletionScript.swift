import ArgumentParser

/// What a shell completes command lines with. The generated script wants the command first, as its parser does: ours
/// puts the words in that order before it sees them, and offers what it can't know of, stores and then commands.
enum CompletionScript {
    /// The script for a shell, when that is what was asked for.
    static func asked(_ arguments: [String], commands: [String]) -> String? {
        let option = "--generate-completion-script"
        guard let first = arguments.first, first.hasPrefix(option) else { return nil }
        let name = first == option ? arguments.dropFirst().first : String(first.dropFirst(option.count + 1))
        guard let name, let shell = CompletionShell(rawValue: name) else { return nil }
        let list = commands.joined(separator: " ")
        let rest =
            switch shell {
            case .zsh: zsh(list)
            case .fish: fish(list)
            default: bash(list)
            }
        return MetastoreInspect.completionScript(for: shell) + "\n" + rest
    }

    private static func bash(_ commands: String) -> String {
        """
        _metastore_inspect_in_order() {
            local commands=' \(commands) ' first=${COMP_WORDS[1]-}
            if ((COMP_CWORD == 1)); then
                mapfile -t COMPREPLY < <(compgen -f -- "$2"; compgen -W "$commands --help --version" -- "$2")
                return
            fi
            if [[ $first != -* && $commands != *" $first "* ]]; then
                if ((COMP_CWORD == 2)); then
                    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$2")
                    return
                fi
                COMP_WORDS=("${COMP_WORDS[0]}" "${COMP_WORDS[2]}" "$first" "${COMP_WORDS[@]:3}")
            fi
            _metastore-inspect "$@"
            if [[ ${COMPREPLY[0]-} == */ ]]; then compopt -o nospace 2>/dev/null; fi
        }
        complete -o filenames -F _metastore_inspect_in_order metastore-inspect

        """
    }

    private static func zsh(_ commands: String) -> String {
        """
        _metastore_inspect_in_order() {
            local -a commands=(\(commands))
            if ((CURRENT == 2)); then
                _alternative 'stores:store:_files' 'commands:command:compadd -a commands'
                return
            fi
            if [[ ${words[2]} != -* ]] && ((! ${commands[(Ie)${words[2]}]})); then
                if ((CURRENT == 3)); then
                    compadd -a commands
                    return
                fi
                words=("${words[1]}" "${words[3]}" "${words[2]}" "${(@)words[4,-1]}")
            fi
            _metastore-inspect "${@}"
        }
        compdef _metastore_inspect_in_order metastore-inspect

        """
    }

    private static func fish(_ commands: String) -> String {
        """
        functions --copy __metastore-inspect_tokens __metastore-inspect_tokens_typed
        function __metastore-inspect_tokens
            set -l tokens (__metastore-inspect_tokens_typed $argv)
            set -l typed (__metastore-inspect_tokens_typed -pc)
            if string match -q -- '-t*' $argv; or test (count $typed) -lt 2
                printf '%s\\n' $tokens
            else if string match -q -- '-*' $typed[2]; or contains -- $typed[2] \(commands)
                printf '%s\\n' $tokens
            else if test (count $typed) -eq 2
                printf '%s\\n' $tokens[1]
            else
                printf '%s\\n' $tokens[1] $tokens[3] $tokens[2] $tokens[4..]
            end
        end
        complete -c metastore-inspect -n 'test (count (__metastore-inspect_tokens_typed -pc)) -eq 1' -F

        """
    }
}
