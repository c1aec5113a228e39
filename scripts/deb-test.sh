#!/usr/bin/env bash
# A Debian package is installed into an empty root, used there, and removed again without a trace.
#
#   scripts/deb-test.sh target/release-files/portcullis_VERSION_amd64.deb
#
# Nothing of this system is changed. Root is needed, or `fakeroot`; the C library is this system's.
set -euo pipefail
package=$(realpath "$1")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/var/lib/dpkg"/{info,updates} "$root/var/log"
: >"$root/var/lib/dpkg/status"
before=$(cd "$root" && find . | sort)
apply() { dpkg --root="$root" --log="$root/dpkg.log" --force-depends "$@" >/dev/null 2>"$root.err" || { cat "$root.err" >&2; exit 1; }; }

# Its dependencies are packages of this system: are they there, and new enough?
dpkg-deb --field "$package" Depends | tr ',' '\n' | while read -r name rest; do
  wanted=$(sed -n 's/.*>= \([^)]*\)).*/\1/p' <<<"$rest")
  found=$(dpkg-query --show --showformat='${Version}' "$name")
  [[ ! $wanted ]] || dpkg --compare-versions "$found" ge "$wanted" || { echo "$name $found, expected $wanted" >&2; exit 1; }
done

apply --install "$package"
program=$root/usr/bin/portcullis
[[ $(dpkg-query --admindir="$root/var/lib/dpkg" --show --showformat='${Status}' portcullis) == 'install ok installed' ]]
[[ -z $(dpkg --root="$root" --verify portcullis) ]] || { echo 'installed files differ from the package' >&2; exit 1; }
if unshare --net true 2>/dev/null; then offline=(unshare --net); else offline=(env); fi
"${offline[@]}" "$program" check 'Could you tell me when the library opens on Saturday?' >/dev/null
"${offline[@]}" "$program" policy test "$root/usr/share/portcullis/policies/support-assistant" >/dev/null
gzip --test "$root"/usr/share/man/man1/portcullis*.1.gz
bash -n "$root/usr/share/bash-completion/completions/portcullis"
pages=$(find "$root/usr/share/man" -name '*.1.gz' | wc -l)
installed=$(dpkg-query --admindir="$root/var/lib/dpkg" --listfiles portcullis | wc -l)

# An upgrade to the same package, then its removal.
apply --install "$package"
apply --purge portcullis
left=$(comm -13 <(echo "$before") <(cd "$root" && find . -not -path './var/lib/dpkg*' -not -name dpkg.log | sort))
[[ -z $left ]] || { echo "left behind: $left" >&2; exit 1; }
rm -f "$root.err"
echo "installed ($installed paths, $pages manual pages), used and removed: ${package##*/}"
