package dev.gatun.cli;

import java.util.concurrent.atomic.AtomicBoolean;

/** The program {@code gatun}. */
public final class Main {
    private Main() {}

    /** Runs the command line; see {@code gatun --help}. */
    public static void main(String[] arguments) {
        AtomicBoolean interrupted = new AtomicBoolean();
        int code = GatunCommand.execute(Console.ofProcess(), interrupted, arguments);
        // While the JVM shuts down after Ctrl-C, System.exit would wait for the very hook that waits for this thread.
        if (code != ExitCode.OK && !interrupted.get()) {
            System.exit(code);
        }
    }
}
