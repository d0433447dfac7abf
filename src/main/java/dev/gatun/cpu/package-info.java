/** The CPU library's threads and operations: bounds-checked calls over off-heap memory. */
package dev.gatun.cpu;
