#include "hidden.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"
#include "cli/kit/staging_tree.h"

int hidden_open(struct hidden *hidden, const char *parent)
{
	const struct durable_owner own = { (uid_t)-1, (gid_t)-1, 0700 };

	*hidden = HIDDEN_NONE;
	hidden->parent_path = parent;
	hidden->parent = durable_open_folder(parent);
	if (hidden->parent >= 0) {
		staging_tree_remove_stale(hidden->parent, parent);
		hidden->folder = staging_tree_make(hidden->parent, &own, &hidden->name);
	}
	if (hidden->folder < 0) {
		complain("can't write in %s: %s", parent, strerror(errno));
		hidden_close(hidden);
		return -1;
	}
	hidden->path = keep_format("%s/%s", parent, hidden->name);
	return 0;
}

void hidden_close(struct hidden *hidden)
{
	if (hidden->folder >= 0) {
		staging_tree_remove(hidden->parent, hidden->name, hidden->folder);
		close(hidden->folder);
	}
	if (hidden->parent >= 0)
		close(hidden->parent);
	*hidden = HIDDEN_NONE;
}
