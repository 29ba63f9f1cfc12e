#!/usr/bin/env python3
"""The package's bill of materials, SPDX 2.3 in JSON: the programs, and the Debian packages
of the libraries that they are linked to, with the versions of the machine that builds.

	sbom.py VERSION PROGRAM...	prints it; the same input gives the same bytes
"""
import hashlib
import json
import os
import re
import subprocess
import sys
import time


def output(*command):
	return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def libraries(program):
	"""The files of those that it names itself, in the folders of its own architecture."""
	needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-dW", program))
	machine = re.search(r"Machine: +(\S+)", output("readelf", "-hW", program))[1]
	folder = {"AArch64": "aarch64-linux-gnu"}.get(machine, "x86_64-linux-gnu")
	places = (f"/{top}/{folder}/{name}" for name in needed for top in ("usr/lib", "lib"))
	found = {os.path.basename(place): os.path.realpath(place)
		 for place in places if os.path.exists(place)}
	missing = set(needed) - found.keys()
	if missing:
		sys.exit(f"sbom.py: {program} needs {missing}, which {folder} has not")
	return set(found.values())


def owner(file):
	"""Its Debian package; on merged-/usr systems the database may know the other name."""
	for name in (file, file.removeprefix("/usr"), "/usr" + file):
		asked = subprocess.run(["dpkg-query", "-S", name], text=True,
				       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
		if asked.returncode == 0:
			return asked.stdout.split(": ")[0].split(",")[0]
	sys.exit(f"sbom.py: no Debian package has {file}; install the library as one")


def described(package):
	fields = "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${Maintainer}"
	name, version, architecture, source, maintainer = output(
		"dpkg-query", "-W", "-f", fields, package).split("\t")
	return {
		"SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name),
		"name": name, "versionInfo": version,
		"supplier": f"Organization: {maintainer}",
		"downloadLocation": "NOASSERTION", "filesAnalyzed": False,
		"licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
		"copyrightText": "NOASSERTION", "sourceInfo": f"built from: {source}",
		"externalRefs": [{
			"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
			"referenceLocator": f"pkg:deb/debian/{name}@"
				f"{version.replace(':', '%3A').replace('+', '%2B')}"
				f"?arch={architecture}"}],
	}


def main():
	version, *programs = sys.argv[1:]
	files = sorted(set().union(*map(libraries, programs)))
	packages = sorted((described(package) for package in sorted({owner(f) for f in files})),
			  key=lambda package: package["name"])
	own = {
		"SPDXID": "SPDXRef-cathgate", "name": "cathgate", "versionInfo": version,
		"supplier": "Organization: Cathgate maintainers",
		"downloadLocation": "NOASSERTION", "filesAnalyzed": False,
		"licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0",
		"copyrightText": "2026 the Cathgate authors",
		"primaryPackagePurpose": "APPLICATION",
	}
	relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
		      "relatedSpdxElement": own["SPDXID"]}]
	relations += [{"spdxElementId": own["SPDXID"], "relationshipType": "DYNAMIC_LINK",
		       "relatedSpdxElement": package["SPDXID"]} for package in packages]
	content = {"packages": [own, *packages], "relationships": relations}
	digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
	created = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
	print(json.dumps({
		"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0",
		"SPDXID": "SPDXRef-DOCUMENT", "name": f"cathgate-{version}",
		"documentNamespace": f"https://spdx.org/spdxdocs/cathgate-{version}-{digest}",
		"creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", created),
				 "creators": ["Tool: cathgate-sbom"]},
		**content}, indent=2))


main()
