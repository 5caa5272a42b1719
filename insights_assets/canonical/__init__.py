"""One feedback record of every voice: who, when, about which order line, SKU, shipment, warehouse and batch; redacted and accounted for."""
