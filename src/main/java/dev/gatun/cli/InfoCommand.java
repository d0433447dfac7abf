package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.SystemInfo;
import java.io.IOException;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@code gatun info}: what this machine offers, and why something is not offered. */
@Command(
        name = "info",
        description = "Prints the versions, the CPU's features, and which backends can be used, or why not.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class)
final class InfoCommand implements Callable<Integer> {
    private final Console console;

    InfoCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        PrintStream out = console.out();
        row(out, "gatun", Version.ofGatun());
        row(out, "java", Runtime.version() + " (" + System.getProperty("java.home") + ")");
        row(out, "platform", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        row(out, "processors", String.valueOf(Runtime.getRuntime().availableProcessors()));
        for (SystemInfo.BackendState backend : SystemInfo.backends()) {
            row(out, "backend " + backend.name(), backend.state());
        }
        try {
            row(out, "cpu features", SystemInfo.cpuFeatures());
        } catch (GatunException noLibrary) {
            row(out, "cpu features", "unknown: " + noLibrary.getMessage());
        }
        row(out, "gpus", SystemInfo.gpus());
        return ExitCode.OK;
    }

    private static void row(PrintStream out, String name, String value) {
        out.printf("%-14s %s%n", name, value);
    }
}
