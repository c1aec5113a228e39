#!/usr/bin/env bash
# A Debian package from the staged files of a release; `scripts/release.sh` calls it.
#
#   scripts/release/deb.sh STAGE VERSION OUT
set -euo pipefail
export LC_ALL=C
umask 022
stage=$1 version=$2 out=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
files=$work/portcullis
share=$files/usr/share

install -D -m 755 "$stage/portcullis" "$files/usr/bin/portcullis"
for page in "$stage"/man/man1/*.1; do
  install -D -m 644 "$page" "$share/man/man1/${page##*/}"
  gzip --no-name --best "$share/man/man1/${page##*/}"
done
install -D -m 644 "$stage/completions/portcullis.bash" "$share/bash-completion/completions/portcullis"
install -D -m 644 "$stage/completions/_portcullis" "$share/zsh/vendor-completions/_portcullis"
install -D -m 644 "$stage/completions/portcullis.fish" "$share/fish/vendor_completions.d/portcullis.fish"
mkdir -p "$share/portcullis" "$share/doc/portcullis"
cp -R "$stage/policies" "$share/portcullis/policies"
cp "$stage"/{README.md,SECURITY.md,MODEL_CARD.md,portcullis.cdx.json} "$share/doc/portcullis"
cp -R "$stage/docs" "$share/doc/portcullis/docs"
gzip --no-name --best <"$stage/CHANGELOG.md" >"$share/doc/portcullis/changelog.gz"
{
  printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
  printf 'Upstream-Name: portcullis\n\nFiles: *\nCopyright: the Portcullis authors\n'
  printf 'License: (MIT or Apache-2.0) and Unicode-3.0\n Both texts and those of all crates in the program are in this folder.\n'
} >"$share/doc/portcullis/copyright"
cp "$stage"/{LICENSE-APACHE,LICENSE-MIT} "$share/doc/portcullis"
gzip --no-name --best <"$stage/THIRD-PARTY.txt" >"$share/doc/portcullis/THIRD-PARTY.txt.gz"
for unit in "$stage"/systemd/*.{service,socket}; do
  # A unit is installed, not enabled: who wants it says where its state is.
  [[ ! -e $unit ]] || install -D -m 644 "$unit" "$files/lib/systemd/system/${unit##*/}"
done

# The newest version of the C library that the program asks for, by a symbol or by the form of its relocations, which 2.36 brought.
libc=$(objdump --private-headers "$files/usr/bin/portcullis" | sed -n 's/.*GLIBC_ABI_DT_RELR.*/2.36/p; s/.* GLIBC_\([0-9.]*\)$/\1/p' |
  sort --version-sort | tail -1)
mkdir "$files/DEBIAN"
cat >"$files/DEBIAN/control" <<END
Package: portcullis
Version: $version
Architecture: amd64
Maintainer: the Portcullis authors <portcullis@localhost>
Installed-Size: $(du --summarize --block-size=1024 --apparent-size "$files" | cut -f1)
Depends: libc6 (>= $libc), libgcc-s1
Section: utils
Priority: optional
Description: guard for offline assistants
 Reads what a person writes and what a model answers, and says what to do with
 it: allow, rewrite, escalate or veto. It runs on the device as one program with
 its model inside, and opens no network connection.
END
(cd "$files" && find . -path ./DEBIAN -prune -o -type f -printf '%P\n' | sort | xargs -d '\n' md5sum >DEBIAN/md5sums)
find "$files" -type d -exec chmod 755 {} +
find "$files" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$files" "$out/portcullis_${version}_amd64.deb" >/dev/null
