// Assertion errors hold the whole value: the end of an output is what explains a failure.
require("chai").config.truncateThreshold = 0;
