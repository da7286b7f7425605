/* Runs fn(tx) in a transaction, in the session of the token. */
export const inSession = (prisma, token, fn) => prisma.$transaction(async (tx) => {
  await tx.$queryRaw`SELECT sessmem.bind(${token})`;
  return fn(tx);
});

/* A client each of whose operations is a transaction of its own, in the session of the token. Make one for each request. */
export const forSession = (prisma, token) => prisma.$extends({
  query: {
    async $allOperations({ args, query }) {
      const [, result] = await prisma.$transaction([prisma.$queryRaw`SELECT sessmem.bind(${token})`, query(args)]);
      return result;
    },
  },
});
