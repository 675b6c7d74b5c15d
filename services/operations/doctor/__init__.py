"""The doctor: a checklist from the operator's chair to the FPGA, its report, and captures of raw replies."""
