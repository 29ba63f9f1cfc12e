#!/bin/sh
# A sample for alerts.command: sends each alert as a mail by SMTP, with curl. (sendmail and
# its like need rights that the gateway's unit takes away from all that it starts.)
#
#	alerts: { command = [ "/usr/local/sbin/cathgate-alert-mail", "smtp://127.0.0.1",
#		"cathgate@hospital.example", "it@hospital.example" ]; };
#
# The arguments: the server; from whom; to whom, each an address. smtps:// for TLS.
set -eu
server=$1 from=$2
shift 2
alert=$(cat)

# A member's text, on one line: the object is compact, and its texts hold no plain newline.
member() {
	printf '%s' "$alert" | sed -n 's/.*[{,]"'"$1"'":"\(\([^"\\]\|\\.\)*\)".*/\1/p' |
		sed 's/\\"/"/g; s/\\\\/\\/g'
}
subject="[Cathgate $(member node)] $(member alert): $(member text)"

to=''
for address; do
	to="${to:+$to, }$address"
	shift
	set -- "$@" --mail-rcpt "$address"
done
{
	printf 'From: %s\r\nTo: %s\r\nDate: %s\r\n' "$from" "$to" "$(date -R)"
	printf 'Subject: %s\r\n' "$(printf '%s' "$subject" | LC_ALL=C tr -c ' -~' '?' | cut -c1-200)"
	printf 'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n'
	printf 'Content-Transfer-Encoding: 8bit\r\n\r\n'
	printf '%s\r\n\r\n%s\r\n' "$(member text)" "$alert" | fold -s -w 900
} | curl -sS --max-time 25 --url "$server" --mail-from "$from" "$@" --upload-file -
