"""Goal: whoever asks for help gets it: cathgate help, -h and --help, of each command and of each
verb of it, and in the same words; the daemon too."""
import re
import subprocess

from harness import Test, cathgate, cathgated, tool



def verbs(text):
	return re.findall(rb"^  ([a-z]+) ", text, re.M)


def asked_each_way(*command):
	"""What all the ways say about a command."""
	said = {tool(*command, "--help"), tool(*command, "-h"), tool("help", *command)}
	if len(command) == 2:
		said.add(tool(command[0], "help", command[1]))
	assert len(said) == 1, (command, said)
	text = said.pop()
	assert text.startswith(" ".join(["usage: cathgate", *command]).encode()), text
	return text


with Test():
	groups = 0
	for command in verbs(asked_each_way()):
		if command == b"help":
			continue
		text = asked_each_way(command.decode())
		if b"COMMAND" in text.split(b"\n")[0]:
			groups += 1
			assert tool(command.decode(), "help") == text
			for verb in verbs(text):
				if verb != b"help":
					asked_each_way(command.decode(), verb.decode())
	assert groups == 6, groups	# audit, certificate, crl, destination, modality, spool
	done = subprocess.run([cathgate(), "help", "nonsense"], capture_output=True, text=True)
	assert done.returncode == 2 and 'no command "nonsense"' in done.stderr, done
	short, long = (subprocess.run([cathgated(), option], capture_output=True, check=True).stdout
		       for option in ("-h", "--help"))
	assert short == long and short.startswith(b"usage: cathgated"), (short, long)
