/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The protocol of the one door, for spin: one SAD of two digests, its chain of tokens, its deposit; callers that
 * present them again at will, are killed, lose their power; a CM that fails. tests/model/model.sh runs it, and
 * says what must hold and which BROKEN_* must be found. HACKING.md section 8 says what is left out.
 *
 * Each atomic block is one transaction of the store under the one write lock (src/store/txn.c), or one step that
 * nobody else sees:
 *
 *   check()        covers() and reserve() of src/sap/door.c; sam_uses_find(), count_left(), find_use() of
 *                  src/store/uses.c; check() of src/store/renew.c
 *   take()         the rest of sam_uses_take(), and replace() of src/store/renew.c, in the same transaction
 *   CM             let_cm_sign() and verify() of src/sap/door.c
 *   commit()       commit() of src/sap/door.c: settle() of src/store/uses.c, run durable
 *   give_back()    give_back() of src/sap/door.c: settle() again, and sam_renew_undo() of src/store/renew.c
 *   RELEASE        sam_sign() returns SAM_OK
 *   EXCHANGE       sam_store_token_put() of src/store/tokens.c
 *   DEPOSIT        sam_store_deposit_put() of src/store/deposits.c, by `sad deposit` or `request approve`
 *   LOOK           search_deposits() of src/sap/door.c: what it finds is no more than a SAD that is presented
 *   ASK            wait_for_signer() of src/sap/door.c: asked first, found later
 *   SWEEP          sweep_step() of src/store/chores.c
 *   WRITEBACK      the kernel writes what nobody has synced; a checkpoint
 *   KILL, POWER    what kill -9 and a power cut leave
 *
 * Callers are threads: those of one process share nothing that counts but the queue (src/store/queue.c), and a
 * batch of it is the same as its operations one after the other with the last one synced.
 */

#ifndef CALLERS
#define CALLERS 2
#endif
#ifndef CHAIN
#define CHAIN 2       /* renewal_max: a token of a higher number does not sign */
#endif
#ifndef MINTS
#define MINTS 4       /* tokens made in one run, at most; only to have an end */
#endif
#ifndef LIMIT
#define LIMIT 2       /* numSignatures */
#endif
#ifndef RENEWAL
#define RENEWAL 2     /* 0: off; 1: on; 2: on for some callers, the policy says for whom */
#endif
#ifndef DEFERRED
#define DEFERRED 1
#endif
#ifndef PROPERTIES
#define PROPERTIES 31 /* the bits below: which are looked at */
#endif
#ifndef REACH
#define REACH 0       /* what is said never to happen, and must be found to: no property holds for want of signatures */
#endif

#define A 1  /* at most one signature of a digest is released; none of another digest */
#define B 2  /* no more of them than numSignatures */
#define C 4  /* recorded first */
#define D 8  /* a token signs once, and a chain never forks */
#define E 16 /* the CM signs no digest twice, unless power was lost before anything left */

#define bit(n)     (1 << (n))
#define count(set) (((set) & 1) + (((set) >> 1) & 1) + (((set) >> 2) & 1))
#define NAMED      3 /* the set of the SAD's digests: 0 and 1; a caller may ask for 2 too */

/* The clock, as coarse as it counts: 0, or expired, or expired for longer than SAM_SWEEP_GRACE. Any reading of it
 * may say any of them, so it is set back at will, and old when it is used. */
#define EXPIRED 1
#define OLD     2

/* ---- the store: as all processes see it, and what of it a power cut leaves ---- */
#define store_of(v) \
	byte v##_act;    /* the activation's id, 0: no row */ \
	byte v##_next;   /* head.next_activation */ \
	byte v##_use;    /* the set of digests taken */ \
	byte v##_rec;    /* the set of digests whose signature is in the audit trail */ \
	byte v##_tok;    /* the current token, 0: none */ \
	byte v##_no;     /* its number in the chain */ \
	bool v##_dep;    /* deposited */ \
	byte v##_latest; /* head.latest_time */ \
	bool v##_swept   /* head.swept_until is its exp */
store_of(now);
store_of(disk);

inline sync()
{
	disk_act = now_act; disk_next = now_next; disk_use = now_use; disk_rec = now_rec; disk_tok = now_tok;
	disk_no = now_no; disk_dep = now_dep; disk_latest = now_latest; disk_swept = now_swept
}

/* ---- callers ---- */
#define IDLE     0
#define WAITS    1 /* in wait_for_signer() */
#define HOLDS    2 /* the SAD of a deposit */
#define LOOKED   3 /* BROKEN_CHECK_THEN_TAKE only */
#define RESERVED 4
#define SIGNED   5
#define RECORDED 6

byte at[CALLERS];
byte digest[CALLERS];
byte act[CALLERS];   /* the reservation: of which activation, */
byte token[CALLERS]; /* which token went with it, 0: none, */
byte number[CALLERS]; /* which number that has, */
byte next[CALLERS];  /* and what replaced it */

byte minted;         /* the newest token; random, so a power cut brings none back */

/* ---- what nobody in the protocol knows, but the properties ---- */
byte released;       /* the set of digests */
byte numbers;        /* the set of token numbers that have signed */
byte made;           /* the set of digests that the CM has, or may have, signed */
#if REACH
byte past;           /* bits below, of each caller */
byte undone;
#endif

bool once, within_limit, recorded_first, no_fork, cm_once, unreached;

/* What an atomic block chooses; zero between them, so that they make no states. */
byte a_digest, a_token, a_clock;
bool a_renews, a_yes, a_deposited;

inline must(which, name, condition)
{
	if
	:: (PROPERTIES & which) && !(condition) -> name = false; assert(name); name = true
	:: else
	fi
}

inline forget(i)
{
	at[i] = IDLE; digest[i] = 0; act[i] = 0; token[i] = 0; number[i] = 0; next[i] = 0
}

inline any_clock() { if :: a_clock = 0 :: a_clock = EXPIRED :: a_clock = OLD fi }
inline any_digest() { if :: a_digest = 0 :: a_digest = 1 :: a_digest = 2 fi }

/* The SAD itself, or any token there ever was, whether or not somebody was given it: the attacker has it. */
inline any_secret()
{
	do
	:: a_token < minted -> a_token++
	:: break
	od;
#if RENEWAL == 2
	if
	:: a_token -> a_renews = true
	:: true
	fi
#else
	a_renews = a_token && RENEWAL
#endif
}

#define fresh() (a_clock < EXPIRED && now_latest < EXPIRED && !now_swept)

#ifdef BROKEN_DEPOSIT_ANY
#define covers() (a_deposited || (NAMED & bit(a_digest)))
#else
#define covers() (NAMED & bit(a_digest))
#endif

#ifdef BROKEN_LIMIT
#define spent now_rec
#else
#define spent now_use
#endif

#define check() (covers() && fresh() && (!a_token || (now_tok == a_token && \
	(!a_renews || (now_no <= CHAIN && minted < MINTS)))) && !(now_use & bit(a_digest)) && count(spent) < LIMIT)

inline activation()
{
	if
	:: now_act == 0 ->
		now_act = now_next;
		/* a swept SAD never comes again, so there is no third but where it does */
		now_next = (now_next < 3 -> now_next + 1 : 3)
	:: else
	fi
}

inline replace()
{
	minted++; now_tok = minted; now_no++
}

inline take(i)
{
	activation();
#ifdef BROKEN_DEPOSIT_ALONE
	if
	:: a_deposited -> now_dep = false
	:: else -> now_use = now_use | bit(a_digest)
	fi;
#else
	now_use = now_use | bit(a_digest);
#endif
	at[i] = RESERVED; digest[i] = a_digest; act[i] = now_act;
	if
	:: a_token && a_renews ->
		must(D, no_fork, numbers >> now_no == 0);
		token[i] = a_token; number[i] = now_no;
#ifndef BROKEN_TOKEN_NOT_REPLACED
		replace(); next[i] = now_tok
#endif
	:: else
	fi
}

#ifdef BROKEN_DEPOSIT_ALONE
#define still_taken(i) true
#else
#define still_taken(i) (now_act == act[i] && (now_use & bit(digest[i])))
#endif

inline commit(i)
{
	now_rec = now_rec | bit(digest[i]);
	if
	:: count(now_use) >= 2 -> now_dep = false
	:: else
	fi;
#ifdef BROKEN_TOKEN_NOT_REPLACED
	if
	:: token[i] && now_tok == token[i] && minted < MINTS -> replace()
	:: else
	fi;
#endif
#ifndef BROKEN_COMMIT_NOT_SYNCED
	sync()
#endif
}

inline give_back(i)
{
	if
	:: still_taken(i) ->
		now_use = now_use & ~bit(digest[i]);
		if
#ifdef BROKEN_UNDO
		:: next[i] ->
#else
		:: next[i] && now_tok == next[i] ->
#endif
			now_tok = token[i]; now_no = number[i];
#if REACH
			undone = undone | bit(token[i])
#endif
		:: else
		fi;
		sync()
	:: else
	fi
}

inline release(i)
{
	must(A, once, !(released & bit(digest[i])) && (NAMED & bit(digest[i])));
	must(B, within_limit, count(released) < LIMIT);
	/* a use that was swept meanwhile had been durable: the SAD had expired long ago */
	must(C, recorded_first, (disk_rec & bit(digest[i])) && ((disk_use & bit(digest[i])) || disk_latest == OLD));
	must(D, no_fork, !number[i] || !(numbers & bit(number[i])));
	released = released | bit(digest[i]);
	if
	:: number[i] -> numbers = numbers | bit(number[i])
	:: else
	fi;
#if REACH == 1
	unreached = released != NAMED; assert(unreached)
#elif REACH == 2
	unreached = numbers != 6; assert(unreached)
#elif REACH == 3
	unreached = !(past & bit(2 * i)); assert(unreached)
#elif REACH == 4
	unreached = (past & bit(2 * i)) || !(past & bit(2 * i + 1)); assert(unreached)
#elif REACH == 5
	unreached = !(undone & bit(token[i])) || !token[i]; assert(unreached)
#elif REACH == 6
	unreached = !(undone & 1); assert(unreached)
#endif
}

proctype caller(byte i)
{
	do
	/* SAD or token, the first time or again */
	:: atomic {
		at[i] == IDLE -> any_digest(); any_secret(); any_clock();
		a_yes = check();
		if
		:: a_yes ->
#ifdef BROKEN_CHECK_THEN_TAKE
			at[i] = LOOKED; digest[i] = a_digest; token[i] = a_token; number[i] = a_renews
#else
			take(i)
#endif
		:: else
		fi;
		a_digest = 0; a_token = 0; a_clock = 0; a_renews = false; a_yes = false
	}
#ifdef BROKEN_CHECK_THEN_TAKE
	:: atomic {
		at[i] == LOOKED -> a_digest = digest[i]; a_token = token[i]; a_renews = number[i];
		forget(i); take(i);
		a_digest = 0; a_token = 0; a_renews = false
	}
#endif
#if DEFERRED
	/* nothing presented: LOOK, and ASK */
	:: atomic {
		at[i] == IDLE -> any_digest(); digest[i] = a_digest; at[i] = (now_dep -> HOLDS : WAITS);
#if REACH
		past = (past & ~(3 << 2 * i)) | ((at[i] == WAITS -> 3 : 2) << 2 * i);
#endif
		a_digest = 0
	}
	:: atomic { at[i] == WAITS && now_dep -> at[i] = HOLDS }
	:: atomic {
		at[i] == HOLDS -> a_digest = digest[i]; any_clock(); a_deposited = true; a_yes = check();
		forget(i);
		if
		:: a_yes -> take(i)
		:: else
		fi;
		a_digest = 0; a_clock = 0; a_yes = false; a_deposited = false
	}
#endif
	/* the CM: it provably did not sign; it may have; it has */
	:: atomic { at[i] == RESERVED -> give_back(i); forget(i) }
	:: atomic {
		at[i] == RESERVED -> must(E, cm_once, !(made & bit(digest[i])));
		made = made | bit(digest[i]);
#ifdef BROKEN_GIVE_BACK_AFTER_MAYBE
		give_back(i);
#endif
		forget(i)
	}
	:: atomic {
		at[i] == RESERVED -> must(E, cm_once, !(made & bit(digest[i])));
		made = made | bit(digest[i]); at[i] = SIGNED
	}
#ifdef BROKEN_RELEASE_BEFORE_COMMIT
	:: atomic { at[i] == SIGNED -> release(i); at[i] = RECORDED }
	:: atomic {
		at[i] == RECORDED ->
		if
		:: still_taken(i) -> commit(i)
		:: else
		fi;
		forget(i)
	}
#else
	:: atomic {
		at[i] == SIGNED ->
		if
		:: still_taken(i) -> commit(i); at[i] = RECORDED
		:: else -> forget(i)
		fi
	}
	/* RELEASE */
	:: atomic { at[i] == RECORDED -> release(i); forget(i) }
#endif
	/* KILL, at any point */
	:: atomic {
		at[i] != IDLE -> forget(i);
#ifdef BROKEN_FREE_AT_START
		/* the next start frees what has no record: whose it is it cannot know */
		now_use = now_use & now_rec
#endif
	}
	od
}

proctype world()
{
	byte i;
	do
	:: d_step { sync() } /* WRITEBACK */
	:: d_step { /* POWER */
#if REACH == 6
		undone = (made & ~released & ~disk_use -> 1 : undone);
#endif
		now_act = disk_act; now_next = disk_next; now_use = disk_use; now_rec = disk_rec; now_tok = disk_tok;
		now_no = disk_no; now_dep = disk_dep; now_latest = disk_latest; now_swept = disk_swept;
		i = 0;
		do
		:: i < CALLERS -> forget(i); i++
		:: else -> break
		od;
		i = 0;
		made = made & (now_use | released)
	}
#if RENEWAL
	:: atomic { /* EXCHANGE */
		any_clock();
		if
		:: fresh() && !now_tok && minted < MINTS ->
			activation(); minted++; now_tok = minted; now_no = 1; sync()
		:: else
		fi;
		a_clock = 0
	}
#endif
#if DEFERRED
	:: atomic { /* DEPOSIT */
		any_clock();
		if
		:: fresh() && count(now_use) < 2 -> activation(); now_dep = true; sync()
		:: else
		fi;
		a_clock = 0
	}
#endif
	:: atomic { /* SWEEP: the SAD's uses; then, or with the next step, the SAD itself */
		any_clock();
#ifdef BROKEN_SWEEP
		if
		:: a_clock == OLD && now_act -> now_use = 0; now_act = 0; now_tok = 0; now_no = 0; now_dep = false
		:: else
		fi;
#else
		now_latest = (a_clock > now_latest -> a_clock : now_latest);
		if
		:: now_latest == OLD && now_act ->
			now_use = 0;
			if
			:: now_act = 0; now_tok = 0; now_no = 0; now_dep = false; now_swept = true
			:: true
			fi
		:: else
		fi;
#endif
		a_clock = 0
	}
	od
}

init
{
	byte i;
	atomic {
		now_next = 1; disk_next = 1;
		i = 0;
		do
		:: i < CALLERS -> run caller(i); i++
		:: else -> break
		od;
		i = 0;
		run world()
	}
}
