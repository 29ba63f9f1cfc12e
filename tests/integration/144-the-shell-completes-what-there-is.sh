#!/bin/bash
# Goal: bash completes every command, option and name of cathgate: commands and options are
# those that the tool itself tells of, names come from the configuration.
. "$(dirname "$0")/../lib/test.sh"
. "$root/systemd/package/cathgate.bash-completion"

# What TAB offers for the last of these words, sorted, in one line.
offered() {
	COMP_WORDS=("$CATHGATE" "$@") COMP_CWORD=$# COMPREPLY=()
	_cathgate
	printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' '
}

# is_offered WANTED WORD…
is_offered() {
	local wanted=$1 found
	shift
	found=$(offered "$@")
	[ "$found" = "$wanted" ] || fail "behind \"$*\" is offered: $found; not: $wanted"
}

# sorted WORD…
sorted() {
	printf '%s\n' $* | sort -u | paste -sd ' '
}

# told COMMAND…: the commands that it tells of
told() {
	"$CATHGATE" "$@" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'
}

# options COMMAND…: likewise
options() {
	"$CATHGATE" "$@" --help | grep -oE -- '--[a-z][a-z-]*'
}

# words OPTION: what the tool itself says to write there
words() {
	"$CATHGATE" audit tail "--$1" nonsense 2>&1 | sed 's/.*one of: //'
}

is_offered "$(sorted --version --help $(told))" ""
for group in audit certificate destination modality spool; do
	is_offered "$(sorted --help $(told $group))" "$group" ""
	for verb in $(told $group); do
		is_offered "$(sorted --help $(options $group "$verb"))" "$group" "$verb" --
	done
done
for verb in setup reload status diagnose; do
	is_offered "$(sorted --help $(options $verb))" $verb --
done
is_offered "$(sorted --version --help $(told))" help ""
is_offered "$(sorted --help $(told audit))" help audit ""
is_offered report audit rep
is_offered --confirm modality renew angio-3 --confir
is_offered "$(sorted $(words event))" audit tail --event ""
is_offered "$(sorted $(words outcome))" audit tail --outcome ""

like='"called_ae_titles": ["CATHGATE"], "destination": "pacs"'
python3 "$lib/config.py" "$work" "$pki" 104 >"$work/names.conf" \
	"modalities.1={\"name\": \"echolab\", \"ae_titles\": [\"ECHOLAB\"],
		\"certificate\": {\"dns\": [\"echolab.test\"]}, $like}" \
	"modalities.2={\"name\": \"angio-old\", \"ae_titles\": [\"OLD\"],
		\"certificate\": {\"dns\": [\"old.test\"]}, $like}"
here=(--config "$work/names.conf")
is_offered "angio angio-old echolab" diagnose "${here[@]}" --modality ""
is_offered "angio angio-old" diagnose "${here[@]}" --modality an
is_offered pacs diagnose "${here[@]}" --destination ""
is_offered echolab modality revoke "${here[@]}" e
is_offered pacs destination page "${here[@]}" ""
is_offered "--patient" spool show --pat
is_offered "dead delivered" spool list --state de
is_offered echolab audit report "${here[@]}" --modality e
python3 "$lib/config.py" "$work" "$pki" 104 >"$work/odd.conf" \
	'modalities.0.name="a$(touch ran)`touch ran` b"'
found=$(cd "$work" && offered diagnose --config "$work/odd.conf" --modality a)
expect "no name is run as a command" test ! -e "$work/ran"
expect "a name is offered so that the shell takes it as it is" \
	test "$(eval printf %s "$found")" = 'a$(touch ran)`touch ran` b'
is_offered "" diagnose --config "$work/nothing.conf" --modality ""

[ "$(offered diagnose "" | wc -w)" -gt 40 ] || fail "not all reasons are offered"
is_offered "tls-revoked" diagnose tls-rev
expect "each reason that is offered is known" "$CATHGATE" diagnose tls-revoked >/dev/null
expect "it completes file names" test "$(cd "$work" && offered audit verify na)" = names.conf
