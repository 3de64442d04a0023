# Sourced, not run: installs Debian packages when a command they bring is missing.
# Usage: need_packages "command:package package" ...; an entry /path:package asks for a file instead of a command.

need_packages() {
  missing=""
  for entry in "$@"; do
    what=${entry%%:*}
    packages=${entry#*:}
    case $what in
      /*) [ -e "$what" ] || missing="$missing $packages" ;;
      *) command -v "$what" >/dev/null 2>&1 || missing="$missing $packages" ;;
    esac
  done
  [ -z "$missing" ] && return 0

  if [ "$(id -u)" = 0 ]; then
    become=""
  elif sudo -n true 2>/dev/null; then
    become="sudo"
  else
    echo "missing packages, and no right to install them; run: apt-get install$missing" >&2
    return 1
  fi
  echo "installing$missing" >&2
  $become apt-get update -qq >&2 &&
    DEBIAN_FRONTEND=noninteractive $become apt-get install -y -qq --no-install-recommends $missing >&2
}
