/*
 * faults.c
 *		Faults that the instruments of test/sanitizers have to notice.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(fault);

/* fault(kind text) RETURNS int */
Datum
fault(PG_FUNCTION_ARGS)
{
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	volatile int n = 32;
	volatile int result = 0;

	if (strcmp(kind, "malloc overrun") == 0)
	{
		volatile char *p = malloc(n);

		result = p[n];
		free((char *) p);
	}
	else if (strcmp(kind, "undefined shift") == 0)
		result = 1 << n;
	else if (strcmp(kind, "palloc overrun") == 0)
	{
		volatile char *p = palloc0(n);

		result = p[n];
	}
	else if (strcmp(kind, "use after pfree") == 0)
	{
		volatile char *p = palloc0(n);

		pfree((char *) p);
		result = p[0];
	}
	else if (strcmp(kind, "uninitialised") == 0)
	{
		volatile char *p = palloc(n);

		if (p[0])
			result = 1;
	}
	else if (strcmp(kind, "none") != 0)
		elog(ERROR, "there is no such fault");
	PG_RETURN_INT32(result);
}
