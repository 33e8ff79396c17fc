/**
 * Knot's configuration (knot.conf(5)) as far as every server of the lab has it alike: blocks `server`, `log` and `database`, the last of which the caller
 * may go on with. With as few threads as it can have: there are many servers, and little is asked. `listen` is as Knot writes it, `127.0.0.1@53`.
 */
export const knotServer = (listen: readonly string[], rundir: string, storage = rundir): string => `server:
    listen: [${listen.join(', ')}]
    rundir: ${rundir}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: notice
database:
    storage: ${storage}
`;
