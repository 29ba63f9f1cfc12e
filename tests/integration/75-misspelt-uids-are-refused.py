"""Goal: a non-storage service can't pass for storage by a misspelt UID: abstract syntaxes
that PS3.5 9.1 doesn't allow are refused with result 3 and not proposed to the PACS."""
from dicom import PATIENCE
from harness import Test
from objects import EXPLICIT, PRIVATE_CLASS, XA

GOOD = (XA, PRIVATE_CLASS)
MISSPELT = (
	"1.2.840.10008.05.1.4.1.2.2.1", "01.2.840.10008.5.1.4.1.2.2.1",
	".1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.1.",
	"1..2.840.10008.1.1", "1.2.840.10008.1.01", "1.2.840.10008.1.00",
)


def contexts_of(syntaxes):
	return [(2 * at + 1, syntax, [EXPLICIT]) for at, syntax in enumerate(syntaxes)]


with Test() as t:
	pacs = t.pacs()
	gateway = t.gateway(pacs)
	modality = t.associate(gateway, contexts=contexts_of(GOOD + MISSPELT))
	answers = modality.accepted.answers
	for number, syntax, _ in contexts_of(GOOD + MISSPELT):
		wanted = 0 if syntax in GOOD else 3
		assert answers[number][0] == wanted, f"{syntax}: {answers[number]}"
	proposed = pacs.requests.get(timeout=PATIENCE).contexts.values()
	assert [abstract for abstract, _ in proposed] == list(GOOD), proposed

	t.associate(gateway, contexts=contexts_of(MISSPELT)).release()
	assert pacs.connections == 1, "nothing was left to propose"
