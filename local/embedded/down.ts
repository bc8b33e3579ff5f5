/** Stops a stack's embedded server but keeps its files. Argument: stack. */
import { fail } from "../fail";
import { homeExists, openHome } from "./home";
import { runningServer, stop } from "./server";

async function main(stack = "dev"): Promise<void> {
  const home = homeExists(stack) ? openHome(stack) : undefined;
  const pid = home && runningServer(home);
  if (!home || pid === undefined) {
    console.log(`No embedded server of the stack '${stack}' is running.`);
    return;
  }
  await stop(home, pid);
  console.log(`Stopped. The data stay in ${home.folder}; remove that folder to start over.`);
}

main(...process.argv.slice(2)).catch(fail);
