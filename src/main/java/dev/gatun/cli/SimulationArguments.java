package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.ModelOptions;
import dev.gatun.bench.BenchDescription;
import dev.gatun.bench.Simulation;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import picocli.CommandLine.Option;

/** The options that make a benchmark's machine look like another. */
final class SimulationArguments {
    @Option(
            names = "--simulate-link",
            paramLabel = "RATE",
            converter = Units.Rate.class,
            description =
                    "Slow copies of experts to this rate, each way, as on a machine with a slower link: 12GB/s is "
                            + "PCIe 3. Reports say so.")
    private Optional<Double> link = Optional.empty();

    @Option(
            names = "--simulate-threads",
            paramLabel = "N",
            description = "Compute missing experts, and measure the host's memory, with so many CPU threads, as on a "
                    + "machine that has no more. Reports say so.")
    private Optional<Integer> threads = Optional.empty();

    /** What is to be simulated. */
    Simulation simulation() {
        return new Simulation(
                link.map(OptionalDouble::of).orElse(OptionalDouble.empty()),
                threads.map(OptionalInt::of).orElse(OptionalInt.empty()));
    }

    /**
     * Options with what is to be simulated.
     *
     * @throws GatunException if that is out of range, or contradicts them
     */
    ModelOptions over(ModelOptions options) {
        int count = threads.orElse(1);
        if (count < 1 || count > ModelOptions.MAX_THREADS) {
            throw new GatunException(
                    "--simulate-threads: " + count + " is not between 1 and " + ModelOptions.MAX_THREADS);
        }
        if (threads.isPresent() && options.threads() > 0) {
            throw new GatunException("--simulate-threads: --threads says how many as well; leave one of the two out");
        }
        ModelOptions threaded = threads.map(options::withThreads).orElse(options);
        return link.map(threaded::withSimulatedLink).orElse(threaded);
    }

    /** @throws GatunException if a link is to be simulated, and what is measured has none */
    void requireLink(BenchDescription subject) {
        if (link.isPresent() && !subject.backend().equals("cuda")) {
            throw new GatunException(
                    "--simulate-link: nothing is copied over a link where the model runs on the CPU; leave it out");
        }
    }
}
