"""Completion in bash, which takes a colon for the end of a word; ids of models have one."""

from __future__ import annotations

from click.shell_completion import BashComplete, add_completion_class

_SCRIPT = """\
%(complete_func)s() {
    local line="${COMP_LINE:0:COMP_POINT}" words word type value
    read -ra words <<< "$line"
    local at=$((${#words[@]} - 1))
    [[ $line == *[[:space:]] ]] && at=$((at + 1))
    word="${words[at]-}"
    local prefix=""
    [[ $COMP_WORDBREAKS == *:* ]] && prefix="${word%%"${word##*:}"}"
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$prefix"}") ;;
        esac
    done < <(COMP_WORDS="$line" COMP_CWORD=$at %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class ColonBash(BashComplete):
    """Asks with the line as it was typed, and answers with what follows the last colon."""

    source_template = _SCRIPT

    def source(self) -> str:
        """The script for `eval`; unlike click's it does not look for the version of bash."""
        return _SCRIPT % self.source_vars()


def use() -> None:
    """Let click take this one for bash."""
    add_completion_class(ColonBash, "bash")
