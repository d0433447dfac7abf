/**
 * Bad input: files of every kind that Gatun reads, damaged at random, and what must hold whatever they say. {@link
 * dev.gatun.fuzz.Fuzz} is behind {@code make fuzz}; the ordinary tests run some hundred cases of the same.
 *
 * <p>A {@link dev.gatun.fuzz.Format} writes good files, damages one, and reads them as Gatun does. A {@link
 * dev.gatun.fuzz.Workbench} runs cases, each of which follows from a seed and its number alone. Cases run in JVMs of their
 * own with little memory, so that a crash, a hang or an allocation without bound is a failure of one case and not the end.
 */
package dev.gatun.fuzz;
