#include "uid_dictionary.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcuid.h>

const char *uid_dictionary_uid(const char *name)
{
	return dcmFindUIDFromName(name);
}

const char *uid_dictionary_name(const char *uid)
{
	return dcmFindNameOfUID(uid, nullptr);
}

const char *uid_dictionary_storage(size_t index)
{
	if (index >= static_cast<size_t>(numberOfDcmAllStorageSOPClassUIDs))
		return nullptr;
	return dcmAllStorageSOPClassUIDs[index];
}
