# SPDX-License-Identifier: Apache-2.0
# bash completion of castra. Asks castra's own help, so that it knows every command that this castra has.
_castra() {
    local word=${COMP_WORDS[COMP_CWORD]} words=() entry help
    for entry in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ $entry == [a-z]* && $entry != *[./=]* ]] && words+=("$entry")
    done
    # The deepest command that has help: what follows it are values.
    while ! help=$("${COMP_WORDS[0]}" "${words[@]}" --help 2>/dev/null) && [ ${#words[@]} -gt 0 ]; do
        unset 'words[-1]'
    done
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(grep -oE -- '--[a-z][a-z-]*' <<<"$help" | sort -u)" -- "$word")
        return
    fi
    local commands
    commands=$(sed -n '/^Subcommands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' <<<"$help")
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
    [ -n "$commands" ] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -F _castra castra
