package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.quant.TileFormat;
import java.util.List;

/** How {@code --bits} names the formats of experts. */
final class Bits {
    private Bits() {}

    /**
     * The format with so many bits a weight.
     *
     * @throws GatunException if there is none
     */
    static TileFormat format(String bits) {
        if (List.of("3", "3.0", "3.02").contains(bits)) {
            return TileFormat.Q2;
        }
        if (bits.equals("2.53")) {
            return TileFormat.Q2N;
        }
        throw new GatunException("bits: " + bits + " is neither 3.0 nor 2.53");
    }
}
