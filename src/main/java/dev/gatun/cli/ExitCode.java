package dev.gatun.cli;

/** What the program's exit status means. */
final class ExitCode {
    /** All went well. */
    static final int OK = 0;
    /** A bug: a stack trace was printed. */
    static final int BUG = 1;
    /** Something the user can mend: one line was printed. */
    static final int USER = 2;

    /** Ended by Ctrl-C: nothing was printed. */
    static final int INTERRUPTED = 130;

    private ExitCode() {}
}
