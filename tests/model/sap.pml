/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the Signature Activation Module does with one SAD, as a model for spin: several processes on one store, an
 * attacker who presents the SAD, every SAD token ever made and what is deposited, again and again, while processes are
 * killed, the power fails, the CM fails, the clock is wrong and expired SADs are swept away; all of it at any moment and
 * as often as there is something left to happen. tests/model/model.sh has spin look at every state of it.
 *
 * Each step of a proctype is one atomic block and stands for one transaction of the store (they exclude each other by
 * the write lock, src/store/queue.c, and are whole or not at all, src/store/txn.c), one call of the CM, or one copy to the
 * application. Between any two of them anything else may happen. The comment at each block names the functions.
 *
 * The clock is no variable: whoever reads it may be told either side of the SAD's exp. So it runs ahead, is set back, or
 * was read long before the transaction that it is used in.
 *
 * Given with -D: PROCESSES, DIGESTS (at most 4), TOKENS (at most 8); CLAIMS, which claims are looked at; BROKEN_..., an
 * error put in, that must be found; WITNESS, what must be found to happen.
 */
#ifndef PROCESSES
#define PROCESSES 2
#endif
#ifndef DIGESTS
#define DIGESTS 2
#endif
#ifndef TOKENS
#define TOKENS 4 /* as many values are made; then the chain ends, as by renewal.max_per_sad */
#endif

/* ---- what is claimed ---- */
#define ONCE 1      /* of each digest at most one signature is released, ever */
#define LIMITED 2   /* and of all together never more than numSignatures */
#define RECORDED 4  /* when one is released, consumption and audit record would survive a power loss */
#define CHAIN 8     /* where tokens are renewed each signs once, and none whose successor has signed: no fork */
#define SIGNED 16   /* the CM too signs each digest once, but for a reservation that a power loss took before release */
#ifndef CLAIMS
#define CLAIMS (ONCE | LIMITED | RECORDED | CHAIN | SIGNED)
#endif
#define claim(which, holds) assert(!(CLAIMS & (which)) || (holds))

#define ALL ((1 << DIGESTS) - 1)
#define has(set, i) ((set) >> (i) & 1)
#define count(set) (has(set, 0) + has(set, 1) + has(set, 2) + has(set, 3))

/* ---- the store ---- */
typedef rows {
	byte used;   /* uses: the digests taken */
	byte record; /* audit: the digests for which it says that a signature was given */
	byte token;  /* tokens: the SAD's current one; 0: none */
	byte number; /* its place in the chain */
	bit deposit; /* deposits: the SAD lies there */
	bit late;    /* head: latest_time has reached the SAD's exp */
	bit swept;   /* head: so has swept_until */
}
rows store; /* what every process reads and writes: survives kill -9 */
rows disk;  /* what survives a power loss: the store as it was at some moment since the last sync */

/* The policy and the SAD, chosen at the start. */
bit renews; /* renewal: a token signs once */
byte limit; /* numSignatures; 0: no less than the digests */

/* ---- the processes ---- */
mtype = { by_sad, by_token, by_deposit };                                /* by what */
mtype = { idle, presented, checked, reserved, failed, signed, committed }; /* where */
typedef passage {
	mtype at;
	mtype by;
	byte digest;
	byte token;  /* presented; what a give back puts back */
	byte next;   /* what took its place; 0: nothing */
	byte number; /* of the token presented */
}
passage p[PROCESSES];

/* ---- what an observer knows, outside of all this ---- */
byte made;         /* token values made so far: 1 to made, the attacker has them all */
byte cm_signed;    /* the digests that the CM signed, without those whose reservation a power loss took */
byte released;     /* the digests of which a signature has left */
byte total;        /* how many have left */
byte token_signed; /* the tokens by which one has left */
byte highest;      /* the highest place in the chain among them */

/* A commit with synchronous=FULL: the WAL is synced from its beginning, so whatever came before is safe too. */
inline sync()
{
	d_step {
		disk.used = store.used;
		disk.record = store.record;
		disk.token = store.token;
		disk.number = store.number;
		disk.deposit = store.deposit;
		disk.late = store.late;
		disk.swept = store.swept;
	}
}
/* With synchronous=NORMAL: it may be on the disk, or not until somebody syncs. */
inline written()
{
	if
	:: sync()
	:: skip
	fi
}
/* Every record in the trail carries the time, and the head remembers the latest (sam_trail_append()). */
inline recorded()
{
	if
	:: store.late = 1
	:: skip
	fi
}
/* The process is where it was before the call, or gone and started again: what it had in memory is wiped. */
inline forget(i)
{
	d_step {
		p[i].at = idle;
		p[i].by = 0;
		p[i].digest = 0;
		p[i].token = 0;
		p[i].next = 0;
		p[i].number = 0;
	}
}

/* sam_uses_find(), to whom the clock says what the attacker likes; sam_uses_take(), count_left() */
#define alive (!store.late && !store.swept)
#define left(i) (!has(store.used, p[i].digest) && (!limit || count(store.used) < limit))
/* check() in src/store/renew.c; the chain has an end */
#define current(i) (p[i].by != by_token || (store.token == p[i].token && (!renews || made < TOKENS)))
#ifdef BROKEN_DEPOSIT_NOT_RESERVED /* trusts that the commit takes it away */
#define may(i) (alive && (p[i].by == by_deposit || left(i)) && current(i))
#else
#define may(i) (alive && left(i) && current(i))
#endif

/* replace() in src/store/renew.c */
inline replace(i)
{
	d_step {
		made++;
		p[i].next = made;
		store.token = made;
		store.number++;
	}
}
inline take(i)
{
	store.used = store.used | 1 << p[i].digest;
	if
	:: p[i].by == by_token && renews ->
		claim(CHAIN, store.number > highest);
		p[i].number = store.number;
#ifndef BROKEN_TOKEN_NOT_REPLACED
		replace(i)
#endif
	:: else
	fi;
	p[i].at = reserved
}

/* The end of sam_sign(): the signature is copied out. */
inline release(i)
{
	d_step {
		claim(ONCE, !has(released, p[i].digest));
		released = released | 1 << p[i].digest;
		total = (total < 7 -> total + 1 : 7);
		claim(LIMITED, !limit || total <= limit);
		/* a SAD that has expired, durably, needs no uses any more */
		claim(RECORDED, has(disk.record, p[i].digest));
		claim(RECORDED, has(disk.used, p[i].digest) || disk.late || disk.swept);
		if
		:: p[i].by == by_token && renews ->
			claim(CHAIN, !has(token_signed, p[i].token - 1));
			token_signed = token_signed | 1 << (p[i].token - 1);
			highest = (p[i].number > highest -> p[i].number : highest)
		:: else
		fi;
		witness()
	}
}

/* What must be seen to happen, else the claims say nothing. */
inline witness()
{
#ifdef WITNESS
	assert(!(WITNESS))
#else
	skip
#endif
}
#define EACH_RELEASED (released == ALL)
#define EACH_BY_A_TOKEN (highest == DIGESTS)

proctype sam(byte i)
{
	byte any;
end:	do
	/* C_Login, C_SignInit: sam_present() with the SAD, or with a token (sam_store_token_find(); it was current once, and
	 * what it stood for may be held since), for a digest of the SAD: the attacker has them all, and any digest that
	 * is not the SAD's ends at covers() in src/sap/door.c. Or by_deposit() finds it in the store, in a transaction of
	 * its own (sam_store_deposit_find()). */
	:: atomic {
		p[i].at == idle ->
		if
		:: p[i].by = by_sad
		:: made -> p[i].by = by_token; select(any : 1 .. made); p[i].token = any
		:: store.deposit -> p[i].by = by_deposit
		fi;
		select(any : 0 .. DIGESTS - 1);
		p[i].digest = any;
		any = 0;
		p[i].at = presented
	}
	/* reserve() and reserve_by_token() in src/sap/door.c: sam_store_reserve(), sam_store_reserve_by_token(): looked up
	 * and taken in one transaction, NORMAL */
	:: atomic {
		p[i].at == presented ->
		if
#ifdef BROKEN_CHECK_THEN_TAKE
		:: may(i) -> p[i].at = checked
#else
		:: may(i) -> take(i); written()
#endif
		:: else -> forget(i)
		fi
	}
#ifdef BROKEN_CHECK_THEN_TAKE
	:: atomic { p[i].at == checked -> take(i); written() }
#endif
	/* let_cm_sign(): a signature, which verify() finds good; an error before there can be one; or one after which
	 * nobody knows (${maybe}): then the digest stays taken */
	:: atomic {
		p[i].at == reserved ->
		if
		:: claim(SIGNED, !has(cm_signed | released, p[i].digest));
		   cm_signed = cm_signed | 1 << p[i].digest;
		   if
		   :: p[i].at = signed
#ifdef BROKEN_GIVE_BACK_AFTER_MAYBE
		   :: p[i].at = failed
#else
		   :: forget(i)
#endif
		   fi
		:: p[i].at = failed
		fi
	}
	/* give_back(): sam_store_give_back(), settle(), sam_renew_undo(): one transaction, FULL */
	:: atomic {
		p[i].at == failed ->
		if
		:: has(store.used, p[i].digest) ->
			store.used = store.used & ~(1 << p[i].digest);
			if
#ifdef BROKEN_UNDO_ALWAYS
			:: p[i].next && store.token ->
				store.token = p[i].token;
				store.number = p[i].number
#else
			:: p[i].next && store.token == p[i].next ->
				store.token = p[i].token;
				store.number = p[i].number
#endif
			:: else
			fi;
			recorded();
			sync()
		:: else /* swept meanwhile */
		fi;
		forget(i)
	}
#ifdef BROKEN_RELEASE_BEFORE_COMMIT
	:: atomic { p[i].at == signed -> release(i); p[i].at = committed }
	:: atomic {
		p[i].at == committed ->
		store.record = store.record | 1 << p[i].digest;
		sync();
		forget(i)
	}
#else
	/* commit(): sam_store_commit(), settle(), sam_deposits_used(): consumption and record in one transaction, FULL; where
	 * the sync fails it may be written all the same, and is refused */
	:: atomic {
		p[i].at == signed ->
		if
		:: has(store.used, p[i].digest) ->
#ifndef BROKEN_RECORD_APART
			store.record = store.record | 1 << p[i].digest;
#endif
#ifdef BROKEN_TOKEN_NOT_REPLACED
			if
			:: p[i].by == by_token && renews && made < TOKENS -> replace(i)
			:: else
			fi;
#endif
			store.deposit = (store.used == ALL -> 0 : store.deposit);
			recorded();
			if
			:: sync(); p[i].at = committed
			:: forget(i)
			fi
		:: else -> forget(i) /* swept meanwhile: "a reservation is gone" */
		fi
	}
	:: atomic {
		p[i].at == committed ->
		release(i);
#ifdef BROKEN_RECORD_APART
		store.record = store.record | 1 << p[i].digest;
		written();
#endif
		forget(i)
	}
#endif
	/* kill -9, anywhere; a signature that verify() refuses and a give back that could not be written end the same way */
	:: atomic { p[i].at != idle -> forget(i) }
	od
}

/* Whoever else writes to the store: the holder of the SAD, by any process; samctl. */
proctype others()
{
end:	do
	/* C_GetSADToken and its like: sam_store_token_put(), FULL; who comes again is given the current one */
	:: atomic {
		alive && !store.token && made < TOKENS ->
		made++;
		store.token = made;
		store.number = 1;
		recorded();
		sync()
	}
	/* samctl sad deposit, samctl request approve: sam_store_deposit_put(), FULL */
	:: atomic {
		alive && !store.deposit && store.used != ALL ->
		store.deposit = 1;
		recorded();
		sync()
	}
	/* sweep_step(), sam_uses_remove(), remove_activation(), NORMAL: the latest time is remembered with it; the budget
	 * may be used up before the activation itself goes. The grace is none here, which allows more. */
	:: atomic {
		!store.swept ->
		store.used = 0;
#ifdef BROKEN_SWEEP
		store.token = 0;
		store.number = 0;
		store.deposit = 0;
#else
		store.late = 1;
		if
		:: skip
		:: store.swept = 1;
		   store.token = 0;
		   store.number = 0;
		   store.deposit = 0
		fi;
#endif
		written()
	}
	od
}

/* The power fails: all processes are gone, and what was not synced. */
proctype power()
{
	byte i;
end:	do
	:: d_step {
		true ->
		store.used = disk.used;
		store.record = disk.record;
		store.token = disk.token;
		store.number = disk.number;
		store.deposit = disk.deposit;
		store.late = disk.late;
		store.swept = disk.swept;
		cm_signed = cm_signed & disk.used;
		for (i : 0 .. PROCESSES - 1) {
			forget(i)
		}
		i = 0;
		claim(RECORDED, !(released & ~disk.record));
		claim(RECORDED, !(released & ~disk.used) || disk.late || disk.swept)
	}
	od
}

init {
	byte i;
	atomic {
		select(limit : 0 .. DIGESTS - 1);
		if
		:: renews = 1
		:: renews = 0
		fi;
		for (i : 0 .. PROCESSES - 1) {
			p[i].at = idle;
			run sam(i)
		}
		i = 0;
		run others();
		run power()
	}
}
