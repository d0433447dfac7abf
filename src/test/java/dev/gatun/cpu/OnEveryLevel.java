package dev.gatun.cpu;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Laws that hold on every instruction set of this machine; those it lacks are named in the output. */
@ParameterizedClass(name = "{0}")
@MethodSource("levels")
abstract class OnEveryLevel {
    @Parameter
    CpuLevel level;

    /** Two threads, so that work is split. */
    CpuPool pool;

    static List<CpuLevel> levels() {
        Stream.of(CpuLevel.values())
                .filter(level -> !CpuLevel.available().contains(level))
                .forEach(level -> System.out.println("Skipped on " + level + ": this machine has only "
                        + CpuInfo.ofThisMachine().features()));
        return CpuLevel.available();
    }

    @BeforeEach
    void openPool() {
        pool = CpuPool.open(2, level);
    }

    /** What a product of quantized weights may differ by: see {@link CpuPool#multiply(CpuMatrix, FloatMatrix, FloatMatrix)}. */
    double tolerance(int tokens) {
        return tokens == 1 && level != CpuLevel.PORTABLE ? Reference.WORDS : Reference.FLOATS;
    }

    @AfterEach
    void closePool() {
        pool.close();
    }
}
