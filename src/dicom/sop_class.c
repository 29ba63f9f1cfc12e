#include "cathgate/dicom/sop_class.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "uid_dictionary.h"

#define DICOM "1.2.840.10008"

/* From PS3.6 table A-1: other services, their well-known instances, and UIDs that are no
 * SOP classes; and all UIDs below these. Where storage classes stand among them, the
 * others are listed one by one, so that future storage classes pass. */
static const char *const other[] = {
	DICOM ".1",	/* verification, commitment, event logs; transfer syntaxes */
	DICOM ".2",	/* coding schemes */
	DICOM ".3",	/* performed procedure step; detached management */
	DICOM ".4",	/* service classes */
	DICOM ".5.1.1", /* print, media creation, display system; but see below */
	DICOM ".5.1.4.1.1.200.4", /* protocol approval: find, move, get */
	DICOM ".5.1.4.1.1.200.5",
	DICOM ".5.1.4.1.1.200.6",
	DICOM ".5.1.4.1.1.201.1.1", /* storage management's instance */
	DICOM ".5.1.4.1.1.201.2",   /* inventory: find, move, get, creation */
	DICOM ".5.1.4.1.1.201.3",
	DICOM ".5.1.4.1.1.201.4",
	DICOM ".5.1.4.1.1.201.5",
	DICOM ".5.1.4.1.1.201.6", /* repository query */
	DICOM ".5.1.4.1.2",	  /* query and retrieve */
	DICOM ".5.1.4.20",	  /* defined procedure protocol: find, move, get */
	DICOM ".5.1.4.31",	  /* modality worklist */
	DICOM ".5.1.4.32",	  /* general purpose worklist */
	DICOM ".5.1.4.33",	  /* instance availability notification */
	DICOM ".5.1.4.34.2",	  /* drafts of RT machine verification */
	DICOM ".5.1.4.34.3",
	DICOM ".5.1.4.34.4", /* unified procedure step: draft, instances, final */
	DICOM ".5.1.4.34.5",
	DICOM ".5.1.4.34.6",
	DICOM ".5.1.4.34.8", /* RT machine verification */
	DICOM ".5.1.4.34.9",
	DICOM ".5.1.4.37",   /* relevant patient information */
	DICOM ".5.1.4.38.2", /* hanging protocol: find, move, get */
	DICOM ".5.1.4.38.3",
	DICOM ".5.1.4.38.4",
	DICOM ".5.1.4.39.2", /* colour palette */
	DICOM ".5.1.4.39.3",
	DICOM ".5.1.4.39.4",
	DICOM ".5.1.4.41",   /* product characteristics */
	DICOM ".5.1.4.42",   /* substance approval */
	DICOM ".5.1.4.43.2", /* generic implant template */
	DICOM ".5.1.4.43.3",
	DICOM ".5.1.4.43.4",
	DICOM ".5.1.4.44.2", /* implant assembly template */
	DICOM ".5.1.4.44.3",
	DICOM ".5.1.4.44.4",
	DICOM ".5.1.4.45.2", /* implant template group */
	DICOM ".5.1.4.45.3",
	DICOM ".5.1.4.45.4",
	DICOM ".6",  /* context groups */
	DICOM ".7",  /* application hosting */
	DICOM ".8",  /* mapping resource */
	DICOM ".10", /* real-time video */
	DICOM ".15", /* LDAP; synchronisation frames of reference */
	/* DCMTK's shutdown: a DCMTK server that allows it ends when this is proposed. */
	"1.2.276.0.7230010.3.4.1915765545.18030.917282194.0",
};

/* Retired storage classes below 5.1.1. */
static const char *const storage_among_print[] = {
	DICOM ".5.1.1.27", /* stored print */
	DICOM ".5.1.1.29", /* hardcopy grayscale image */
	DICOM ".5.1.1.30", /* hardcopy colour image */
};

static bool uid_below(const char *uid, const char *root)
{
	size_t length = strlen(root);

	return strncmp(uid, root, length) == 0 &&
	       (uid[length] == '\0' || uid[length] == '.');
}

/* Components have no leading zeros (PS3.5 9.1). A class with one would be unknown here,
 * but some destinations might take it for the class without. */
static bool is_well_spelt(const char *uid)
{
	for (const char *c = uid;; c++) {
		size_t digits = strspn(c, "0123456789");

		if (digits == 0 || (digits > 1 && *c == '0'))
			return false;
		c += digits;
		if (*c == '\0')
			return true;
		if (*c != '.')
			return false;
	}
}

bool sop_class_is_storage(const char *uid)
{
	if (!is_well_spelt(uid))
		return false;
	for (size_t i = 0; i < sizeof(storage_among_print) / sizeof(char *); i++)
		if (strcmp(uid, storage_among_print[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(other) / sizeof(char *); i++)
		if (uid_below(uid, other[i]))
			return false;
	return true;
}

const char *sop_class_uid(const char *name)
{
	const char *uid = uid_dictionary_uid(name);

	if (uid)
		return uid;
	/* The standard's keywords and DCMTK's names differ in case here and there, as in
	 * UltrasoundMultiFrameImageStorage. */
	for (size_t i = 0; (uid = uid_dictionary_storage(i)) != NULL; i++) {
		const char *known = uid_dictionary_name(uid);

		if (known && strcasecmp(known, name) == 0)
			return uid;
	}
	return NULL;
}
