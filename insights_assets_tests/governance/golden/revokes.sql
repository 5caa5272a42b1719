-- revoke insights_prod from analyst
REVOKE BROWSE ON CATALOG `insights_prod` FROM `insights-prod-analyst`;

-- revoke internals from leader
REVOKE SELECT, USE SCHEMA ON SCHEMA `insights_prod`.`internals` FROM `insights-prod-leader`;

-- revoke canonical.feedback_text from console
REVOKE SELECT ON TABLE `insights_prod`.`canonical`.`feedback_text` FROM `insights-prod-console`;

-- revoke files.wheels from data-engineer
REVOKE ALL PRIVILEGES, WRITE VOLUME ON VOLUME `insights_prod`.`files`.`wheels` FROM `insights-prod-data-engineer`;

-- revoke people_labels.a_view`of_before from ops
REVOKE SELECT ON VIEW `insights_prod`.`people_labels`.`a_view``of_before` FROM `insights-prod-ops`;
