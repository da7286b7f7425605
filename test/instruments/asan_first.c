/*
 * asan_first.c
 *		Preloaded after the runtime of AddressSanitizer, this starts it first.
 *
 * Else the first to allocate is the constructor of a library that the server
 * links, and if that one calls gettext, the runtime starts inside gettext's lock
 * and waits for it for ever.  Link with -Wl,-z,initfirst.
 */
#include <stdlib.h>

__attribute__((constructor)) static void
asan_first(void)
{
	free(malloc(1));
}
