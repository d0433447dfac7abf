package dev.gatun.cli;

/** The program {@code gatun}. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        System.err.println("gatun");
    }
}
