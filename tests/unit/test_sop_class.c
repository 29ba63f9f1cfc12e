/* Goal: every storage class passes, those of tomorrow and of vendors too; no other
 * service of the standard does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cathgate/dicom/sop_class.h"
#include "dicom/uid_dictionary.h"

#define DICOM "1.2.840.10008"

static void test_all_that_dcmtk_calls_storage_is_storage(void **state)
{
	(void)state;
	const char *uid;
	size_t count = 0;

	for (; (uid = uid_dictionary_storage(count)) != NULL; count++) {
		print_message("%s %s\n", uid, uid_dictionary_name(uid));
		assert_true(sop_class_is_storage(uid));
	}
	assert_true(count > 150);
}

static void test_storage(void **state)
{
	(void)state;
	static const char *const uids[] = {
		DICOM ".5.1.4.1.1.12.1",   /* X-ray angiographic image */
		DICOM ".5.1.4.1.1.200.1",  /* CT defined procedure protocol */
		DICOM ".5.1.4.1.1.200.3",  /* protocol approval */
		DICOM ".5.1.4.1.1.200.7",  /* XA defined procedure protocol */
		DICOM ".5.1.4.1.1.201.1",  /* inventory */
		DICOM ".5.1.4.34.1",	   /* a draft of 34.7 */
		DICOM ".5.1.4.34.7",	   /* RT beams delivery instruction */
		DICOM ".5.1.4.34.10",	   /* RT brachy application setup */
		DICOM ".5.1.4.38.1",	   /* hanging protocol */
		DICOM ".5.1.4.39.1",	   /* colour palette */
		DICOM ".5.1.4.43.1",	   /* generic implant template */
		DICOM ".5.1.4.44.1",	   /* implant assembly template */
		DICOM ".5.1.4.45.1",	   /* implant template group */
		DICOM ".5.1.1.27",	   /* stored print, retired */
		DICOM ".5.1.1.29",	   /* hardcopy grayscale image, retired */
		DICOM ".5.1.1.30",	   /* hardcopy colour image, retired */
		DICOM ".5.1.4.1.1.9999.1", /* not yet in the standard */
		DICOM ".5.1.4.46.1",	   /* likewise */
		"1.3.12.2.1107.5.9.1",	   /* a vendor's */
		"1.2.840.113619.4.30",	   /* another's */
		"1.2.840.100080.1",	   /* not below the standard's root */
	};

	for (size_t i = 0; i < sizeof(uids) / sizeof(*uids); i++) {
		print_message("%s\n", uids[i]);
		assert_true(sop_class_is_storage(uids[i]));
	}
}

static void test_other_services(void **state)
{
	(void)state;
	static const char *const uids[] = {
		"",
		SOP_CLASS_VERIFICATION,
		TRANSFER_SYNTAX_IMPLICIT,
		DICOM ".1.2.4.70", /* a transfer syntax */
		DICOM ".1.3.10",   /* media storage directory */
		DICOM ".1.9",	   /* basic study content notification */
		DICOM ".1.20.1",   /* storage commitment */
		DICOM ".1.20.2",
		DICOM ".1.40",		  /* procedural event logging */
		DICOM ".1.42",		  /* substance administration logging */
		DICOM ".3.1.1.1",	  /* the application context */
		DICOM ".3.1.2.1.1",	  /* detached patient management */
		DICOM ".3.1.2.3.3",	  /* modality performed procedure step */
		DICOM ".3.1.2.6.1",	  /* detached interpretation management */
		DICOM ".4.2",		  /* the storage service class */
		DICOM ".5.1.1.1",	  /* basic film session */
		DICOM ".5.1.1.9",	  /* grayscale print management */
		DICOM ".5.1.1.18",	  /* colour print management */
		DICOM ".5.1.1.33",	  /* media creation management */
		DICOM ".5.1.1.40",	  /* display system */
		DICOM ".5.1.4.1.1.200.4", /* protocol approval, find */
		DICOM ".5.1.4.1.1.200.6", /* its get */
		DICOM ".5.1.4.1.1.201.2", /* inventory, find */
		DICOM ".5.1.4.1.1.201.6", /* repository query */
		DICOM ".5.1.4.1.2.1.1",	  /* patient root, find */
		DICOM ".5.1.4.1.2.2.2",	  /* study root, move */
		DICOM ".5.1.4.1.2.5.3",	  /* composite instance, get */
		DICOM ".5.1.4.20.1",	  /* defined procedure protocol, find */
		DICOM ".5.1.4.31",	  /* modality worklist */
		DICOM ".5.1.4.32",	  /* general purpose worklist */
		DICOM ".5.1.4.32.3",
		DICOM ".5.1.4.33",     /* instance availability notification */
		DICOM ".5.1.4.34.4.1", /* unified procedure step, draft */
		DICOM ".5.1.4.34.5",   /* its global subscription */
		DICOM ".5.1.4.34.6.1", /* unified procedure step, push */
		DICOM ".5.1.4.34.6.5", /* its query */
		DICOM ".5.1.4.34.8",   /* RT conventional machine verification */
		DICOM ".5.1.4.34.9",   /* RT ion machine verification */
		DICOM ".5.1.4.37.3",   /* cardiac relevant patient information */
		DICOM ".5.1.4.38.2",   /* hanging protocol, find */
		DICOM ".5.1.4.39.4",   /* colour palette, get */
		DICOM ".5.1.4.41",     /* product characteristics */
		DICOM ".5.1.4.42",     /* substance approval */
		DICOM ".5.1.4.43.3",   /* generic implant template, move */
		DICOM ".5.1.4.44.4",   /* implant assembly template, get */
		DICOM ".5.1.4.45.2",   /* implant template group, find */
		DICOM ".10.1",	       /* real-time video */
		"1.2.276.0.7230010.3.4.1915765545.18030.917282194.0", /* DCMTK's shutdown
								       */
	};

	for (size_t i = 0; i < sizeof(uids) / sizeof(*uids); i++) {
		print_message("\"%s\"\n", uids[i]);
		assert_false(sop_class_is_storage(uids[i]));
	}
}

static void test_names(void **state)
{
	(void)state;
	static const struct {
		const char *name, *uid;
	} cases[] = {
		{ "XRayAngiographicImageStorage", DICOM ".5.1.4.1.1.12.1" },
		{ "XRayRadiationDoseSRStorage", DICOM ".5.1.4.1.1.88.67" },
		{ "HangingProtocolStorage", DICOM ".5.1.4.38.1" },
		/* DCMTK's spelling, the standard's */
		{ "UltrasoundMultiframeImageStorage", DICOM ".5.1.4.1.1.3.1" },
		{ "UltrasoundMultiFrameImageStorage", DICOM ".5.1.4.1.1.3.1" },
	};
	static const char *const unknown[] = { "", "XRayAngiographic", DICOM ".1.1" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *uid = sop_class_uid(cases[i].name);

		print_message("%s\n", cases[i].name);
		assert_non_null(uid);
		assert_string_equal(uid, cases[i].uid);
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		assert_null(sop_class_uid(unknown[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_that_dcmtk_calls_storage_is_storage),
		cmocka_unit_test(test_storage),
		cmocka_unit_test(test_other_services),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
