package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.SystemInfo;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@code gatun info}: what this machine offers, and why something is not offered. */
@Command(
        name = "info",
        description = "Prints the versions, the CPU's features, which backends can be used, or why not, and how fast "
                + "memory is, measured now.",
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
        hostBandwidth(out);
        gpuBandwidth(out);
        return ExitCode.OK;
    }

    private static void hostBandwidth(PrintStream out) {
        try {
            SystemInfo.HostBandwidth host = SystemInfo.hostBandwidth();
            String threads = host.threads() == 1 ? "1 thread" : host.threads() + " threads";
            row(out, "host memory", rate(host.read()) + " GB/s read by " + threads);
        } catch (GatunException failure) {
            row(out, "host memory", "not measured: " + failure.getMessage());
        }
    }

    private static void gpuBandwidth(PrintStream out) {
        try {
            SystemInfo.gpuBandwidth().ifPresent(gpu -> {
                row(out, "link", rate(gpu.toGpu()) + " GB/s to the GPU, " + rate(gpu.fromGpu()) + " GB/s back");
                row(out, "gpu memory", rate(gpu.read()) + " GB/s read");
                row(out, "tensor cores", rate(gpu.operations()) + " TFLOP/s in fp16");
            });
            SystemInfo.roadBandwidth(Runtime.getRuntime().availableProcessors())
                    .ifPresent(both -> row(
                            out,
                            "both roads",
                            rate(both.toGpu()) + " GB/s to the GPU while the CPU reads " + rate(both.read())
                                    + " GB/s"));
        } catch (GatunException failure) {
            row(out, "gpu memory", "not measured: " + failure.getMessage());
        }
    }

    /** Three digits that mean something. */
    private static String rate(double gigabytes) {
        return String.format(Locale.ROOT, gigabytes < 100 ? "%.1f" : "%.0f", gigabytes);
    }

    private static void row(PrintStream out, String name, String value) {
        out.printf("%-14s %s%n", name, value);
    }
}
