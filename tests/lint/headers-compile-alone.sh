#!/bin/sh
# Goal: each public header compiles alone, from C and from C++.
cd "$(dirname "$0")/../.." || exit 2
status=0
for header in include/cathgate/*/*.h; do
	${CC:-cc} -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -fsyntax-only \
		-x c "$header" || status=1
	${CXX:-c++} -std=c++17 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -fsyntax-only \
		-x c++ "$header" || status=1
done
exit $status
