#!/bin/sh
# Goal: the code is formatted as .clang-format says. Its versions differ in details: the one
# of Debian 12 decides, elsewhere this is skipped.
cd "$(dirname "$0")/../.." || exit 2
clang-format --version 2>/dev/null | grep -q 'version 14\.' || exit 77
find src include tests/unit tests/fuzz -name '*.[ch]' -o -name '*.cc' |
	xargs clang-format --dry-run -Werror
