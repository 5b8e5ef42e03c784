# Completes the command lines of millraced and millrace in bash. The programs list their options themselves
# (--list-options), from the tables of which --help is made, so this file names none of them.

_millrace() {
  local program=$1 word=$2 before=$3
  local tool=() name value meaning kind='' names=() words=()
  COMPREPLY=()
  if [[ ${program##*/} != millraced && $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} != -* ]]; then
    tool=("${COMP_WORDS[1]}")
  fi
  while read -r name value meaning; do
    if [[ $name == - ]]; then
      words+=("$value")
    else
      names+=("$name")
      [[ $name == "$before" ]] && kind=$value
    fi
  done < <("$program" "${tool[@]}" --list-options 2>/dev/null)

  if [[ -z $kind || $kind == - ]]; then
    if [[ $word == -* || ${#words[@]} -eq 0 ]]; then
      mapfile -t COMPREPLY < <(compgen -W "${names[*]}" -- "$word")
      return
    fi
    kind=${words[*]}
  fi
  case $kind in
    *\|*) mapfile -t COMPREPLY < <(compgen -W "${kind//|/ }" -- "$word") ;;
    *FILE*) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    *DIR*) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    USER) mapfile -t COMPREPLY < <(compgen -u -- "$word") ;;
  esac
}

complete -F _millrace millraced millrace
