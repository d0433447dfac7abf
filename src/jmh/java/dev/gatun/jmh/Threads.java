package dev.gatun.jmh;

/** The parameter that says how many threads work. */
final class Threads {
    private Threads() {}

    static int of(String parameter) {
        return parameter.equals("all") ? Runtime.getRuntime().availableProcessors() : Integer.parseInt(parameter);
    }
}
