/*
 * The spool's protocol, for the model checker SPIN. The chapter "The protocol, checked" of
 * SPOOL.md says what is in it, what isn't, and how to run it.
 *
 * A modality sends one object, and sends it again while it has not heard of success. Each
 * try has an association of its own. Auditor, spooler, courier and PACS are there once. Any
 * process, and the machine, may crash between any two steps.
 *
 * Each process repeats: where a guard holds, it takes that step. What an actor remembers is
 * in global variables, so that a crash can wipe it out. A message that waits for its reader
 * is a step of its own only where that makes a difference: a step of two actors stands with
 * the one that begins it.
 *
 * The promises, checked by Watch and by the courier's `store`:
 *
 *	success_means_kept	when the modality has heard of success, its record is
 *				durable, and the PACS or the durable spool has the object
 *	spooled_is_ended	what is recorded as spooled is recorded as delivered or
 *				dead in the end
 *	delivered_is_recorded	what a courier has brought to the PACS has a line in the
 *				end: spooled, unconfirmed, or that of its delivery
 *	never_denied		no line says `failed` of a try whose object the PACS got
 *	never_torn		the PACS gets no object of which a part is missing
 *
 * and every run ends: SPIN finds no cycle.
 */

/* Faults in the protocol. -DMUTATION=NAME puts one in; SPIN must find that the promise
 * doesn't hold any more. */
#define SYNC_LEFT_OUT		    1  /* breaks success_means_kept */
#define LINK_AFTER_SYNC		    2  /* breaks success_means_kept */
#define RECORD_AFTER_ANSWER	    3  /* breaks success_means_kept */
#define AUDITOR_ANSWERS_BEFORE_SYNC 4  /* breaks success_means_kept */
#define COMMIT_AFTER_ANSWER	    5  /* breaks success_means_kept */
#define KNOWN_BY_NAME		    6  /* breaks success_means_kept */
#define REMOVE_BEFORE_RECORD	    7  /* breaks spooled_is_ended */
#define DELIVER_UNCOMMITTED	    8  /* breaks delivered_is_recorded */
#define INHERITED_UNSYNCED	    9  /* breaks delivered_is_recorded */
#define LAST_FRAGMENT_NOT_TOLD	    10 /* breaks never_denied */
#define TOLD_AGAIN_IN_TWO_MESSAGES  11 /* breaks never_denied */
#define ABANDONED_IS_FAILED	    12 /* breaks never_denied */
#define PACS_IS_FORGOTTEN	    13 /* breaks never_denied */
#define TORN_IS_SENT		    14 /* breaks never_torn */
/* A stronger promise, which is not given: a line of the instance, not of its delivery. */
#define DELIVERY_IS_NO_LINE	    15 /* breaks delivered_is_recorded */

#ifndef MUTATION
#define MUTATION 0
#endif
#define WITH(mutation) (MUTATION == mutation)

/* Bounds. */
#ifndef TRIES
#define TRIES 2 /* 3 at most */
#endif
#ifndef CRASHES
#define CRASHES 2 /* of processes and of the machine, together */
#endif
#ifndef FAULTS
#define FAULTS 1 /* of the PACS and of the spool's disk; after them, both work */
#endif
byte crashes = CRASHES, faults = FAULTS;

#define EACH_TRY i : 0 .. TRIES - 1
byte i; /* of the loops within a step; 0 between steps */

/*
 * The disk. Of each try's file: what processes see, and what surely outlives a crash of the
 * machine. Such a crash leaves the one or the other, of name and content independently.
 */
mtype = { NONE, QUEUED, DEAD, DELIVERED }; /* what a name says */
mtype = { TORN, WHOLE };
mtype name[TRIES] = NONE, name_on_disk[TRIES] = NONE;
mtype content[TRIES] = NONE, content_on_disk[TRIES] = NONE;

/* fsync(2) of a file that was linked before. That it was delivered, or removed, may be
 * forgotten all the same. */
inline sync_file(n)
{
	if
	:: name[n] == QUEUED || name[n] == DEAD -> name_on_disk[n] = name[n]
	:: else
	fi;
	content_on_disk[n] = content[n]
}

/*
 * The log: the lines of each try that are written, and those that are durable.
 */
#define SPOOLED	      1 /* the instance: it is in the spool */
#define FORWARDED     2 /* the PACS has taken it at once */
#define UNCONFIRMED   4
#define FAILED	      8
#define GOT_DELIVERED 16 /* its delivery */
#define GOT_DEAD      32 /* the PACS has refused it for good */
#define GOT_CORRUPT   64
byte written[TRIES], durable[TRIES];
bool has_unsynced;

inline write(n, line)
{
	has_unsynced = has_unsynced || !(written[n] & (line));
	written[n] = written[n] | line
}

inline sync_log()
{
	for (EACH_TRY) {
		durable[i] = written[i]
	}
	i = 0;
	has_unsynced = false
}

#define HAS_LINE(n, line) ((durable[n] & (line)) != 0)
/* The auditor has said that this line is durable. */
#define IS_ANSWERED(n, line) \
	(WITH(AUDITOR_ANSWERS_BEFORE_SYNC) && (written[n] & (line)) || HAS_LINE(n, line))

/* What the auditor has heard of a try, over a channel that is whole. */
mtype = { NO_CHANNEL, BEGUN, LAST_FRAGMENT, SUBMITTED };
mtype told[TRIES] = NO_CHANNEL;

/* By which ways the PACS got a try's object. */
#define AT_ONCE	   1
#define BY_COURIER 2
byte pacs[TRIES];

/* The modality. */
byte tries;	/* begun so far; it listens to the last one */
bool has_heard; /* of success */

/* The associations. */
mtype = { ABSENT, BEGINS, RELAYS, LINKS, AWAITS_NAME, SYNCS, SUBMITS, TELLS_AGAIN,
	  AWAITS_RECORD, COMMITS, ANSWERS, ENDED };
mtype at[TRIES] = ABSENT;
byte outcome[TRIES];	     /* the line that it submits */
bool has_linked[TRIES];	     /* it will commit */
bool reaches_spooler[TRIES]; /* over a channel that is whole */

/* The spooler. */
mtype = { STARTS, SERVES };
mtype = { UNKNOWN, UNCOMMITTED, INHERITED, COMMITTED, IS_DELIVERED };
mtype = { NOTHING, COMMIT, ABANDON }; /* a message that it has not read yet */
mtype spooler = STARTS;
mtype index[TRIES] = UNKNOWN;
mtype said[TRIES] = NOTHING;
byte copy[TRIES]; /* the try whose file stands for this one's */

/* The courier. */
mtype = { IDLE, HAS_OBJECT, HAS_RESULT, HAS_TOLD, AWAITS_LINE };
mtype courier = IDLE;
bool courier_reaches_spooler;
byte load;   /* the try whose file it has */
byte result; /* the line that says what came of it */

/*
 * The modality comes again because it heard of a failure, has lost its association, or has
 * waited too long. Or it never comes again.
 */
proctype Modality()
{
end:	do
	:: atomic { !has_heard && tries < TRIES ->
		at[tries] = BEGINS;
		tries++ }
	:: atomic { !has_heard && tries > 0 && tries < TRIES ->
		tries = TRIES + 1 }
	od
}

/*
 * The association.
 */

inline submit(n, line)
{
	outcome[n] = line;
	at[n] = SUBMITS
}

inline commit(n)
{
	said[n] = (has_linked[n] && reaches_spooler[n] -> COMMIT : said[n])
}

inline answer(n)
{
	if
	:: n == tries - 1 && (outcome[n] & (SPOOLED | FORWARDED)) -> has_heard = true
	:: else /* a failure; or nobody listens */
	fi
}

inline end_association(n)
{
	at[n] = (at[n] == ABSENT -> ABSENT : ENDED);
	outcome[n] = 0;
	has_linked[n] = false;
	reaches_spooler[n] = false
}

/* The spool has the object for good, or has delivered it. What has only a name proves
 * nothing: a crash may have left that with a torn file. */
#define IS_KNOWN(n) (index[n] == COMMITTED || index[n] == IS_DELIVERED || \
		     (WITH(KNOWN_BY_NAME) && index[n] == INHERITED))

proctype Association(byte n)
{
end:	do
	/* The spooler gives a file. The auditor hears that the instance begins; and, before
	 * the last fragment goes anywhere, of that. */
	:: atomic { at[n] == BEGINS && spooler == SERVES ->
		reaches_spooler[n] = true;
		told[n] = (WITH(LAST_FRAGMENT_NOT_TOLD) -> BEGUN : LAST_FRAGMENT);
		if
		:: at[n] = LINKS
		:: at[n] = RELAYS /* mode `fallback`, and nothing waits in the spool */
		fi }

	:: atomic { at[n] == RELAYS ->
		if
		:: pacs[n] = pacs[n] | AT_ONCE; submit(n, FORWARDED)
		:: submit(n, FAILED) /* the PACS refuses it for good */
		:: faults > 0 -> /* the PACS is away, or short of room */
			faults--;
			at[n] = LINKS
		:: faults > 0 -> /* its answer is lost */
			faults--;
			pacs[n] = pacs[n] | AT_ONCE;
			at[n] = LINKS
		fi }

	/* The spooler names the file, unless it has the object. Nothing is durable yet. */
	:: atomic { at[n] == LINKS && reaches_spooler[n] ->
		do
		:: i < TRIES && !IS_KNOWN(i) -> i++
		:: else -> break
		od;
		if
		:: i < TRIES ->
			copy[n] = i;
			submit(n, SPOOLED)
		:: i == TRIES ->
			copy[n] = n;
			name[n] = QUEUED;
			content[n] = WHOLE;
			content_on_disk[n] = (WITH(LINK_AFTER_SYNC) -> WHOLE : TORN);
			index[n] = UNCOMMITTED;
			at[n] = AWAITS_NAME
		:: i == TRIES && faults > 0 -> /* there is no room: it gets no name */
			faults--;
			if
			:: (pacs[n] & AT_ONCE) && !WITH(PACS_IS_FORGOTTEN) ->
				submit(n, UNCONFIRMED)
			:: else -> submit(n, FAILED)
			fi
		fi;
		i = 0 }
	:: atomic { at[n] == AWAITS_NAME -> at[n] = SYNCS }
	/* The spooler has died. It may have named the file before. */
	:: atomic { (at[n] == LINKS || at[n] == AWAITS_NAME) && !reaches_spooler[n] ->
		submit(n, UNCONFIRMED) }

	:: atomic { at[n] == SYNCS ->
		if
		:: WITH(SYNC_LEFT_OUT) || WITH(LINK_AFTER_SYNC)
		:: else -> sync_file(n)
		fi;
		has_linked[n] = true;
		submit(n, SPOOLED);
		if
		:: WITH(RECORD_AFTER_ANSWER) -> answer(n)
		:: else
		fi }
	/* The disk refuses, and what is in the page cache alone may go. The spooler is to
	 * remove the file. But if it dies before, or if the machine crashes, the file is
	 * there again: so nobody may say that it failed. */
	:: atomic { at[n] == SYNCS && faults > 0 ->
		faults--;
		if
		:: content_on_disk[n] == TORN -> content[n] = TORN
		:: true
		fi;
		said[n] = (reaches_spooler[n] -> ABANDON : NOTHING);
		submit(n, (WITH(ABANDONED_IS_FAILED) -> FAILED : UNCONFIRMED)) }

	:: atomic { at[n] == SUBMITS && told[n] != NO_CHANNEL ->
		write(n, outcome[n]);
		told[n] = SUBMITTED;
		at[n] = AWAITS_RECORD }
	/* The auditor has died. Its successor hears what it knew, and another record,
	 * since the modality will hear of a failure. */
	:: atomic { (at[n] == SUBMITS || at[n] == AWAITS_RECORD) && told[n] == NO_CHANNEL ->
		outcome[n] = (outcome[n] == FAILED -> FAILED : UNCONFIRMED);
		if
		:: WITH(TOLD_AGAIN_IN_TWO_MESSAGES) ->
			told[n] = BEGUN;
			at[n] = TELLS_AGAIN
		:: else ->
			told[n] = LAST_FRAGMENT;
			at[n] = SUBMITS
		fi }
	:: atomic { at[n] == TELLS_AGAIN ->
		told[n] = (told[n] == BEGUN -> LAST_FRAGMENT : NO_CHANNEL);
		at[n] = SUBMITS }
	:: atomic { at[n] == AWAITS_RECORD && IS_ANSWERED(n, outcome[n]) ->
		told[n] = NO_CHANNEL; /* there is no more to tell */
		at[n] = COMMITS }

	/* First a courier may have it, then the modality hears. */
	:: atomic { at[n] == COMMITS ->
		if
		:: WITH(COMMIT_AFTER_ANSWER) -> answer(n)
		:: else -> commit(n)
		fi;
		at[n] = ANSWERS }
	:: atomic { at[n] == ANSWERS ->
		if
		:: WITH(COMMIT_AFTER_ANSWER) -> commit(n)
		:: else -> answer(n)
		fi;
		end_association(n) }

	:: atomic { crashes > 0 && at[n] != ABSENT && at[n] != ENDED ->
		crashes--;
		end_association(n) }
	od
}

/*
 * The auditor writes a line when it is told to, which stands with the one that tells it.
 * Its own steps are a sync of all lines, and its line for an association that has died.
 */

inline lose_auditor()
{
	for (EACH_TRY) {
		told[i] = NO_CHANNEL
	}
	i = 0
}

proctype Auditor()
{
end:	do
	:: atomic { has_unsynced -> sync_log() }
	:: atomic { crashes > 0 -> crashes--; lose_auditor() }
	od
}

proctype AuditorsEndOf(byte n)
{
end:	do
	:: atomic { at[n] == ENDED && told[n] != NO_CHANNEL ->
		if
		:: told[n] == LAST_FRAGMENT -> write(n, UNCONFIRMED)
		:: told[n] == BEGUN -> write(n, FAILED)
		:: else
		fi;
		told[n] = NO_CHANNEL }
	od
}

/*
 * The spooler.
 */

/* It has the file from an association or a spooler that has died, and syncs it: nobody
 * else may have. So the file stays until its delivery has a line. */
inline inherit(n)
{
	index[n] = INHERITED;
	if
	:: WITH(INHERITED_UNSYNCED)
	:: else -> sync_file(n)
	fi
}

/* Name and content may have got to the disk by themselves before. */
inline remove(n)
{
	if
	:: true
	:: name_on_disk[n] = name[n]
	fi;
	if
	:: true
	:: content_on_disk[n] = content[n]
	fi;
	name[n] = NONE;
	index[n] = UNKNOWN
}

inline lose_spooler()
{
	for (EACH_TRY) {
		index[i] = UNKNOWN;
		said[i] = NOTHING;
		reaches_spooler[i] = false
	}
	i = 0;
	courier_reaches_spooler = false;
	spooler = STARTS
}

proctype Spooler()
{
end:	do
	/* It reads the folder. */
	:: atomic { spooler == STARTS ->
		for (EACH_TRY) {
			if
			:: name[i] == QUEUED -> inherit(i)
			:: name[i] == DELIVERED -> index[i] = IS_DELIVERED
			:: else
			fi
		}
		i = 0;
		spooler = SERVES }
	:: atomic { crashes > 0 && spooler == SERVES -> crashes--; lose_spooler() }
	od
}

proctype SpoolersEndOf(byte n)
{
end:	do
	:: atomic { said[n] == COMMIT ->
		said[n] = NOTHING;
		index[n] = (index[n] == UNCOMMITTED -> COMMITTED : index[n]) }
	:: atomic { said[n] == ABANDON ->
		said[n] = NOTHING;
		remove(n) }
	/* The association has died without a word. */
	:: atomic { at[n] == ENDED && said[n] == NOTHING && index[n] == UNCOMMITTED ->
		if
		:: WITH(COMMIT_AFTER_ANSWER) -> remove(n)
		:: else -> inherit(n)
		fi }
	:: atomic { courier == IDLE &&
		    (index[n] == COMMITTED || index[n] == INHERITED ||
		     (WITH(DELIVER_UNCOMMITTED) && index[n] == UNCOMMITTED)) ->
		courier = HAS_OBJECT;
		courier_reaches_spooler = true;
		load = n }
	od
}

/*
 * The courier, with what the PACS does.
 */

inline store(n)
{
	never_torn = content[n] == WHOLE;
	assert(never_torn);
	pacs[n] = pacs[n] | BY_COURIER
}

inline conclude(line)
{
	result = line;
	courier = HAS_RESULT
}

inline tell_spooler()
{
	if
	:: courier_reaches_spooler && result == GOT_DELIVERED ->
		name[load] = DELIVERED;
		index[load] = IS_DELIVERED
	:: courier_reaches_spooler && result != GOT_DELIVERED ->
		name[load] = DEAD;
		index[load] = UNKNOWN
	:: else
	fi
}

inline rest()
{
	courier = IDLE;
	courier_reaches_spooler = false;
	load = 0;
	result = 0
}

proctype Courier()
{
	bool never_torn = true;

end:	do
	:: atomic { courier == HAS_OBJECT && content[load] != WHOLE && !WITH(TORN_IS_SENT) ->
		conclude(GOT_CORRUPT) }
	:: atomic { courier == HAS_OBJECT && (content[load] == WHOLE || WITH(TORN_IS_SENT)) ->
		if
		:: store(load); conclude(GOT_DELIVERED)
		:: conclude(GOT_DEAD)
		:: faults > 0 -> /* the PACS is away, or short of room */
			faults--;
			rest()
		:: faults > 0 -> /* its answer is lost */
			faults--;
			store(load);
			rest()
		fi }

	:: atomic { courier == HAS_RESULT && WITH(REMOVE_BEFORE_RECORD) ->
		tell_spooler();
		courier = HAS_TOLD }
	:: atomic { courier == HAS_TOLD ||
		    (courier == HAS_RESULT && !WITH(REMOVE_BEFORE_RECORD)) ->
		write(load, result);
		courier = AWAITS_LINE }
	/* Should the auditor die meanwhile, its successor gets the line again. */
	:: atomic { courier == AWAITS_LINE && IS_ANSWERED(load, result) ->
		if
		:: WITH(REMOVE_BEFORE_RECORD)
		:: else -> tell_spooler()
		fi;
		rest() }

	:: atomic { crashes > 0 && courier != IDLE -> crashes--; rest() }
	od
}

/*
 * The machine crashes. The page cache is lost, though some of it may have got to the disk
 * by itself. All processes begin anew.
 */
proctype Machine()
{
end:	do
	:: atomic { crashes > 0 ->
		crashes--;
		if
		:: has_unsynced -> sync_log()
		:: true
		fi;
		has_unsynced = false;
		for (EACH_TRY) {
			written[i] = durable[i];
			end_association(i);
			if
			:: name[i] = name_on_disk[i]
			:: name_on_disk[i] = name[i]
			fi;
			if
			:: content[i] = content_on_disk[i]
			:: content_on_disk[i] = content[i]
			fi;
			if
			:: name[i] == NONE || name[i] == DELIVERED ->
				content[i] = NONE;
				content_on_disk[i] = NONE
			:: else
			fi
		}
		lose_auditor();
		lose_spooler();
		rest() }
	:: crashes > 0 -> crashes = 0 /* nothing crashes any more */
	od
}

/*
 * The promises.
 */

#define IS_IN_SPOOL(n) ((name[n] == QUEUED || name[n] == DEAD) && \
			(name_on_disk[n] == QUEUED || name_on_disk[n] == DEAD) && \
			content_on_disk[n] == WHOLE)
#define IS_KEPT(n) (pacs[n] || IS_IN_SPOOL(n))
#define OBJECT_IS_KEPT (IS_KEPT(0) || IS_KEPT(TRIES / 2) || IS_KEPT(TRIES - 1))

proctype Watch(byte n)
{
	bool success_means_kept = true, never_denied = true;
	bool spooled_is_ended, delivered_is_recorded;

end:	do
	:: atomic { has_heard && n == tries - 1 &&
		    !(OBJECT_IS_KEPT && HAS_LINE(n, SPOOLED | FORWARDED)) ->
		success_means_kept = false;
		assert(success_means_kept) }
	:: atomic { pacs[n] && (written[n] & FAILED) ->
		never_denied = false;
		assert(never_denied) }
	:: atomic { timeout -> /* nobody has a step left */
		spooled_is_ended = !HAS_LINE(n, SPOOLED) ||
				   HAS_LINE(copy[n], GOT_DELIVERED | GOT_DEAD);
		assert(spooled_is_ended);
		delivered_is_recorded =
			!(pacs[n] & BY_COURIER) || HAS_LINE(n, SPOOLED | UNCONFIRMED) ||
			(HAS_LINE(n, GOT_DELIVERED | GOT_DEAD) &&
			 !WITH(DELIVERY_IS_NO_LINE));
		assert(delivered_is_recorded);
		break }
	od
}

init {
	atomic {
		run Modality();
		run Auditor();
		run Spooler();
		run Courier();
		run Machine();
		for (EACH_TRY) {
			run Association(i);
			run AuditorsEndOf(i);
			run SpoolersEndOf(i);
			run Watch(i)
		}
		i = 0
	}
}
