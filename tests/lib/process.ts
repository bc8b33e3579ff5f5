/** Programs that tests run, and conditions that they wait for: the scripts of local/ need the same. */
export * from "../../local/process";
