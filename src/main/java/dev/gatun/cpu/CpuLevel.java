package dev.gatun.cpu;

import dev.gatun.bindings.cpu.CpuLibrary;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** The instruction sets that the CPU library has code for, each a superset of the one before. */
public enum CpuLevel {
    /** Plain C for any x86-64 processor. */
    PORTABLE(CpuLibrary.GATUN_PORTABLE()),
    /** AVX2, FMA and F16C. */
    AVX2(CpuLibrary.GATUN_AVX2()),
    /** AVX-512 F, BW, DQ and VL. */
    AVX512(CpuLibrary.GATUN_AVX512()),
    /** The same with VNNI, its dot products of bytes. */
    AVX512VNNI(CpuLibrary.GATUN_AVX512VNNI());

    /** The environment variable that forces a level. */
    public static final String VARIABLE = "GATUN_CPU";

    /** The system property that forces a level; it wins over the environment. */
    public static final String PROPERTY = "gatun.cpu";

    private final int code;

    CpuLevel(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }

    /**
     * The highest level of this machine.
     *
     * @throws dev.gatun.natives.NativeLibraryException if the CPU library cannot be loaded
     */
    public static CpuLevel best() {
        LinkedLibrary.require();
        return ofCode(CpuLibrary.gatun_cpu_best_level());
    }

    /** The levels of this machine, lowest first. */
    public static List<CpuLevel> available() {
        CpuLevel best = best();
        return Stream.of(values()).filter(level -> level.compareTo(best) <= 0).toList();
    }

    /**
     * The level to use: the best one, unless the property {@value #PROPERTY} or the environment variable
     * {@value #VARIABLE} forces another by its name in lower case.
     *
     * @throws CpuException if what they say is no level, or not a level of this machine
     */
    public static CpuLevel chosen() {
        String property = System.getProperty(PROPERTY);
        return property == null
                ? choose(VARIABLE, System.getenv(VARIABLE), best())
                : choose(PROPERTY, property, best());
    }

    /** The level named {@code forced}, or the best one if that is null. */
    static CpuLevel choose(String setting, String forced, CpuLevel best) {
        if (forced == null) {
            return best;
        }
        CpuLevel level = Stream.of(values())
                .filter(candidate -> candidate.toString().equals(forced))
                .findFirst()
                .orElseThrow(() -> new CpuException("unknown instruction set in " + setting + ": `" + forced
                        + "`; use one of " + Arrays.toString(values())));
        if (level.compareTo(best) > 0) {
            throw new CpuException("this processor lacks the instruction set in " + setting + ": `" + forced
                    + "`; its best is " + best);
        }
        return level;
    }

    private static CpuLevel ofCode(int code) {
        return Stream.of(values())
                .filter(level -> level.code == code)
                .findFirst()
                .orElseThrow(() -> new CpuException("the CPU library reports an unknown instruction set: " + code));
    }

    /** The name that forces this level: {@code portable}, {@code avx2}, {@code avx512} or {@code avx512vnni}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
