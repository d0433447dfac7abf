/** Experts that do not all fit the GPU: which are resident, what that costs, and what recorded routing says about it. */
package dev.gatun.offload;
