package dev.gatun.fuzz;

import java.util.List;
import java.util.SplittableRandom;

/** Random damage to the bytes of a file. */
@FunctionalInterface
public interface Mutation {
    /** A damaged copy; it may happen to be equal. */
    byte[] apply(byte[] bytes, SplittableRandom random);

    /** One of several kinds of damage, each as likely as it is often named. */
    static Mutation oneOf(Mutation... kinds) {
        List<Mutation> choice = List.of(kinds);
        return (bytes, random) -> choice.get(random.nextInt(choice.size())).apply(bytes, random);
    }
}
