#!/bin/sh
# How many lines of what a target reads with are reached by its seeds, and by what was
# was found since (build/fuzz-found). tests/README.md has a table of them.
#
#	sh tests/fuzz/coverage.sh [TARGET...]
#
# Debian's packages: clang llvm jq
set -eu
cd "$(dirname "$0")/../.."
all=$(sed -n 's/^cathgate_fuzz(\([a-z0-9_]*\).*/\1/p' tests/fuzz/CMakeLists.txt)
targets=${*:-$all}
out=$PWD/build/fuzz-coverage
version=$(clang -dumpversion | cut -d. -f1)

# files_of TARGET: what it reads with, under src/
files_of() {
	case $1 in
	association) echo association/admission.c association/negotiation.c \
		association/services.c association/store.c association/waiting.c \
		outbound/exchange.c dicom/acceptor.cc dicom/requestor.cc dicom/dul_*.cc \
		dicom/upper_layer.cc dicom/request.c dicom/command.c dicom/data_set_head.c ;;
	claims) echo supervisor/gate/claims.c supervisor/gate/places.c ;;
	command | data_set_head | part10 | request) echo "dicom/$1.c" ;;
	config) echo config/config.c config/reader*.c config/scan.c config/drop_ins.c \
		config/sections.c config/tls_section.c config/items.c config/modalities.c \
		config/check.c config/entry.c config/audit_file.c ;;
	dialler) echo supervisor/helpers/dialler.c ;;
	dialling) echo supervisor/gate/dialling.c supervisor/helpers/dialler.c ;;
	helpers) echo supervisor/helpers/forking.c supervisor/helpers/auditing.c \
		supervisor/helpers/resolver.c keeper/client.c sandbox/deaths.c ;;
	keeper) echo keeper/keeper.c keeper/channels.c keeper/held.c signer/shape.c ;;
	log_verify) echo audit/read/*.c ;;
	session) echo audit/auditor/session.c audit/auditor/delivery.c audit/format/record.c ;;
	signer_shape) echo signer/shape.c ;;
	spool) echo spool/format/header.c spool/format/metadata.c spool/format/opener.c \
		spool/format/name.c ;;
	*) echo "$1: say in tests/fuzz/coverage.sh what it reads with" >&2 && exit 1 ;;
	esac
}

mkdir -p "$out"
# shellcheck disable=SC2086 # names are words
names=$(printf 'fuzz_%s ' $targets)
# shellcheck disable=SC2086 # names are words
{ cmake --preset fuzz-coverage && cmake --build build/fuzz-coverage --target $names; } >"$out/build.log" || {
	tail -n 40 "$out/build.log"
	exit 1
}
for target in $targets; do
	program=build/fuzz-coverage/tests/fuzz/fuzz_$target
	inputs=tests/fuzz/corpus/$target
	for more in "build/fuzz-found/$target/inputs" "build/fuzz-found/$target/afl/default/queue"; do
		[ ! -d "$more" ] || inputs="$inputs $more"
	done
	# shellcheck disable=SC2086 # so are folders and files
	LLVM_PROFILE_FILE=$out/$target.raw "$program" $inputs >"$out/$target.log" 2>&1
	"llvm-profdata-$version" merge -o "$out/$target.profile" "$out/$target.raw"
	"llvm-cov-$version" export -summary-only -instr-profile "$out/$target.profile" "$program" |
		jq -r --arg target "$target" --arg files "$(cd src && files_of "$target")" '
			($files | split(" ") | map("src/" + .)) as $wanted |
			[.data[0].files[] | select(.filename | sub(".*/\\./"; "") | IN($wanted[])) | .summary.lines] |
			"\($target): \(map(.covered) | add) of \(map(.count) | add)"'
done
