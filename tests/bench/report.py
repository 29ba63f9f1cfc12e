"""The results as a table, and beside the goals."""
import statistics

MORE_CPU = 1.2		# times the stunnel pair's
MORE_OBJECTS = 20	# times as many as straight, with peers as shipped
MORE_SYNCED = 1.05	# times as long as with the syncs left out
MORE_KIB = 4096		# for an object of 2 GiB
MORE_SET_UP_MS = 15	# above twice a direct one
COLUMNS = ("wall s", "min–max", "objects/s", "MB/s", "CPU s/GB", "peak MiB",
	   "wall ÷ stunnels", "CPU ÷ stunnels")


def find(result, case, peers, way):
	for row in result["results"]:
		if (row["case"], row["peers"], row["way"]) == (case, peers, way):
			return row
	return None


def paired(row, other, key):
	"""The median of the rounds' own ratios: what slows a whole round cancels out."""
	ratios = [a[key] / b[key] for a, b in zip(row["runs"], other["runs"]) if b[key]]
	return statistics.median(ratios) if ratios else None


def number(value, digits=2):
	return "–" if value is None else f"{value:.{digits}f}"


def line(cells):
	return "| " + " | ".join(cells) + " |"


def row_cells(result, row):
	stunnels = find(result, row["case"], row["peers"], "stunnels")
	in_between = row["way"] != "direct"
	wall = row["wall_s"]
	return [row["way"], number(wall["median"]),
		f"{number(wall['min'])}–{number(wall['max'])}",
		number(row["objects_per_s"]["median"], 1), number(row["mb_per_s"]["median"], 1),
		number(row["cpu_s_per_gb"]["median"] if in_between else None),
		number(row["peak_mib"]["median"] if in_between else None, 1),
		number(paired(row, stunnels, "wall_s") if stunnels else None),
		number(paired(row, stunnels, "cpu_s") if stunnels and in_between else None)]


def tables(result):
	out = []
	seen = dict.fromkeys((row["case"], row["peers"]) for row in result["results"])
	for case, peers in seen:
		rows = [row for row in result["results"]
			if (row["case"], row["peers"]) == (case, peers)]
		title = rows[0]["title"]
		how = "with TCP_NODELAY=1" if peers == "nodelay" else "as DCMTK ships them"
		out += [f"{title}; peers {how}", "",
			line(["way", *COLUMNS]), line(["---"] + ["--:"] * len(COLUMNS)),
			*[line(row_cells(result, row)) for row in rows], ""]
	return out


def goal(text, wanted, got, reached):
	return {"goal": text, "wanted": wanted, "got": got, "reached": bool(reached)}


def wall_goal(result, case, title):
	ours = find(result, case, "nodelay", "cathgate")
	theirs = find(result, case, "nodelay", "stunnels")
	if not ours or not theirs:
		return []
	got, most = ours["wall_s"]["median"], theirs["wall_s"]["median"]
	wanted = f"at most {most:.2f} s"
	if case != "cine":
		sync = ours["objects"] * result["fdatasync_ms"] / 1000
		wanted = f"at most {most:.2f} s + {sync:.2f} s of fdatasync"
		most += sync
	ratio = paired(ours, theirs, "wall_s")
	return [goal(f"wall time, {title}", wanted, f"{got:.2f} s (÷ stunnels {ratio:.2f})",
		     (ratio if case == "cine" else got / most) <= 1)]


def cpu_goal(result, case, title):
	ours = find(result, case, "nodelay", "cathgate")
	theirs = find(result, case, "nodelay", "stunnels")
	if not ours or not theirs:
		return []
	ratio = paired(ours, theirs, "cpu_s")
	return [goal(f"CPU, {title}", f"at most {MORE_CPU} × stunnels",
		     f"{number(ratio)} ×", ratio and ratio <= MORE_CPU)]


def sync_goal(result):
	ours = find(result, "four", "nodelay", "cathgate")
	unsafe = find(result, "four", "nodelay", "unsynced")
	if not ours or not unsafe or result["quick"]:
		return []
	ratio = paired(ours, unsafe, "wall_s")
	return [goal("wall time, four at once, syncs included",
		     f"at most {MORE_SYNCED} × without", f"{ratio:.2f} ×",
		     ratio <= MORE_SYNCED)]


def nagle_goal(result):
	ours = find(result, "medium", "shipped", "cathgate")
	straight = find(result, "medium", "shipped", "direct")
	if not ours or not straight or result["quick"]:
		return []
	ratio = ours["objects_per_s"]["median"] / straight["objects_per_s"]["median"]
	return [goal("objects/s, 512 KiB each, peers as shipped",
		     f"at least {MORE_OBJECTS} × direct", f"{ratio:.1f} ×",
		     ratio >= MORE_OBJECTS)]


def limit_goals(limits):
	memory, set_up, held = limits["memory"], limits["set_up"], limits["held"]
	most = 2 * set_up["direct_ms"] + MORE_SET_UP_MS
	found = [
		goal(f"memory for an object of {memory['object_mib']} MiB",
		     f"at most {MORE_KIB} KiB more than associated",
		     f"{memory['grown_kib']} KiB more", memory["grown_kib"] <= MORE_KIB),
		goal("associations open at once", str(held["wanted"]),
		     f"{held['open']}, of which {held['stored']} then stored",
		     held["stored"] == held["open"] == held["wanted"]),
	]
	if set_up["samples"] >= 30:
		found.append(goal(
			"association set-up",
			f"at most {most:.1f} ms (direct: {set_up['direct_ms']:.1f} ms)",
			f"{set_up['cathgate_ms']:.1f} ms", set_up["cathgate_ms"] <= most))
	return found


def goals(result):
	titles = dict.fromkeys((row["case"], row["title"]) for row in result["results"]
			       if row["peers"] == "nodelay")
	found = []
	if result["quick"]:
		titles = {}	# times of so little say nothing
	for case, title in titles:
		found += wall_goal(result, case, title)
	for case, title in titles:
		found += cpu_goal(result, case, title)
	found += sync_goal(result)
	found += nagle_goal(result)
	if result["limits"]:
		found += limit_goals(result["limits"])
	return found


def text(result):
	machine = result["machine"]
	out = [", ".join(f"{key} {value}" for key, value in machine.items()),
	       f"{result['date']}, {result['rounds']} rounds, one fdatasync: "
	       f"{number(result['fdatasync_ms'])} ms back to back, "
	       f"{number(result['fdatasync_spaced_ms'])} ms with 0.3 ms between two", "",
	       *tables(result),
	       line(["goal", "wanted", "got", ""]), line(["---"] * 4),
	       *[line([g["goal"], g["wanted"], g["got"], "yes" if g["reached"] else "no"])
		 for g in result["goals"]]]
	return "\n".join(out)
