#!/bin/sh
# Goal: each public header compiles alone, from C and from C++.
cd "$(dirname "$0")/../.." || exit 2
flags="-D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -fsyntax-only"
status=0
for header in include/cathgate/*/*.h; do
	line="#include \"${header#include/}\""
	# shellcheck disable=SC2086 # flags are words
	echo "$line" | ${CC:-cc} -std=c17 $flags -x c - || status=1
	# shellcheck disable=SC2086
	echo "$line" | ${CXX:-c++} -std=c++17 $flags -x c++ - || status=1
done
exit $status
