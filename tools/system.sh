#!/bin/bash
# Install what the groups named by the arguments need of requirements/debian.txt, saying what.
#
# usage: tools/system.sh [--try] GROUP...
# With --try a package that cannot be installed is named and the exit status stays 0: what needs
# it says so itself later. JUKI_APT=0 forbids any installation. The group ha has services that would
# start at once and at each boot: they are kept from both.
set -euo pipefail
cd "$(dirname "$0")/.."

refusal=1
if [ "${1:-}" = --try ]; then
    refusal=0
    shift
fi

wanted() {
    local group
    for group in "$@"; do
        awk -v group="$group" '$1 !~ /^#/ && $2 == group { print $1 }' requirements/debian.txt
    done
}

missing() {
    local package status
    for package in "$@"; do
        status=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || echo "$package"
    done
}

refuse() {
    echo "not installed: $1" >&2
    echo "  $2" >&2
    exit "$refusal"
}

mapfile -t packages < <(wanted "$@")
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    refuse "${packages[*]}" "no apt here: install what this distribution calls them, if it lacks them"
fi
mapfile -t absent < <(missing "${packages[@]}")
[ ${#absent[@]} -gt 0 ] || exit 0
command_line="apt-get install --no-install-recommends ${absent[*]}"
[ "${JUKI_APT:-1}" != 0 ] || refuse "${absent[*]}" "JUKI_APT=0 forbids it; by hand: $command_line"
[ "$(id -u)" = 0 ] || refuse "${absent[*]}" "that takes root: $command_line"

# Debian asks this file before it starts a service; one that is there already stays as it is.
policy=/usr/sbin/policy-rc.d
services=()
for package in "${absent[@]}"; do
    case $package in
        etcd-server) services+=(etcd) ;;
        patroni) services+=(patroni) ;;
    esac
done
if [ ${#services[@]} -gt 0 ] && [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

echo "installing from the distribution: ${absent[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || echo "apt-get update failed; trying with the lists that are there" >&2
apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 "${absent[@]}" \
    </dev/null >/dev/null ||
    refuse "${absent[*]}" "apt-get failed; its messages are above"
if [ ${#services[@]} -gt 0 ] && command -v systemctl >/dev/null; then
    systemctl --quiet disable "${services[@]}" 2>/dev/null || true
fi
