"""Goal: what is proved on the machine that runs the tests is proved on this release, too: every
other test passes."""
import re
import subprocess
import sys

import service

service.step("build every test")
service.build(tests="ON")
service.step("run them")
done = subprocess.run(["ctest", "--test-dir", service.BUILD, "-LE", "system|cross|bench", "-j", "4",
		       "--output-on-failure"], stdout=subprocess.PIPE,
		      stderr=subprocess.STDOUT, text=True)
# Not the line of each test that began or went well: what the failed ones say stands out.
GOES_WELL = re.compile(r" +Start +\d+: | *\d+/\d+ Test +#\d+: .*( Passed |\*\*\*Skipped )")
print("\n".join(line for line in done.stdout.split("\n") if not GOES_WELL.match(line)))
sys.exit(done.returncode)
