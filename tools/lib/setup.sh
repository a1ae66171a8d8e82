# SPDX-License-Identifier: BSD-3-Clause
# What check, demo and others begin with: packages and a build. Sourced by bash from the source's top folder.

# packages_missing LIST...
packages_missing()
{
	local name
	grep -hv '^#' "$@" | while read -r name; do
		dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed ||
			echo "$name"
	done
}

# as_root COMMAND...: as it is when we are root, through sudo otherwise.
as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "needs root, and there is no sudo: $*" >&2
		return 1
	fi
}

# packages_install [LIST...]: what they (tools/lib/packages) name and the machine lacks; silent when all is there.
packages_install()
{
	local missing
	command -v dpkg-query >/dev/null || {
		echo "this is no Debian: install the like of the packages in ${*:-tools/lib/packages}" >&2
		return 0
	}
	missing=$(packages_missing "${@:-tools/lib/packages}")
	[ -z "$missing" ] && return 0
	echo "Installing $(echo "$missing" | tr '\n' ' ')..."
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y \
			--no-install-recommends $missing </dev/null >/dev/null
}

# build DIR TARGETS [meson options...]: configure once, then build; quiet unless it fails.
build()
{
	local dir=$1 targets=$2 log
	shift 2
	mkdir -p "$dir"
	log=$dir/build.log
	if [ ! -e "$dir/build.ninja" ]; then
		meson setup "$dir" "$@" >"$log" 2>&1 || { tail -40 "$log"; return 1; }
	fi
	# Words on purpose: several targets.
	# shellcheck disable=SC2086
	ninja -C "$dir" $targets >"$log" 2>&1 || { grep -vE '^\[[0-9]+/' "$log" | tail -60; return 1; }
}
