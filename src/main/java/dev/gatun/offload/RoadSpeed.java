package dev.gatun.offload;

/**
 * How fast a road is: a job of n bytes takes {@code fixedSeconds + n / bytesPerSecond}.
 *
 * @param bytesPerSecond bytes of expert blocks that pass in a second
 * @param fixedSeconds what every job takes besides
 */
public record RoadSpeed(double bytesPerSecond, double fixedSeconds) {
    public RoadSpeed {
        if (!(bytesPerSecond > 0 && fixedSeconds >= 0 && bytesPerSecond + fixedSeconds < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "a road with " + bytesPerSecond + " bytes/s and " + fixedSeconds + " s a job");
        }
    }
}
